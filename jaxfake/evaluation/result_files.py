"""Where the results of a run lie, what they name as their origin, and how they are written as JSON."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.runtime.files import write_atomically


class Provenance(NamedTuple):
    """What a result was made from; part of every result file."""

    config_sha256: str
    train_sha256: str  # fingerprint of the data trained on
    data_sha256: str  # fingerprint of the split scored
    train_manifest: str  # of what the data trained on was prepared from; '' if they were drawn
    data_manifest: str  # the same of the data scored
    stage: str
    step: int  # of the checkpoint


def evaluation_folder(workdir: Path, dataset: FaceDataset) -> Path:
    """Makes `WORKDIR/eval/<dataset>/<split>`, named as the examples name their dataset(s).

    Without any example it is named after the folder that the dataset was prepared in.
    """
    prepared = dataset.folder.resolve().parent.parent.name
    names = "+".join(np.unique(dataset.index.dataset).tolist()) or prepared
    folder = workdir / "eval" / _plain(names) / _plain(dataset.split)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def manifest_facts(train: str, scored: str) -> list[tuple[str, str]]:
    """Rows of a report that name the manifests of the data, of those that have one."""
    named = [("training data manifest", train), ("data manifest", scored)]
    return [(name, manifest) for name, manifest in named if manifest]


def write_json(path: Path, values: dict[str, Any]) -> None:
    """The values as indented JSON; NaN and infinity are errors, since JSON has neither."""
    text = json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False)
    write_atomically(path, text + "\n")


def json_fields(name: str, value: float | Interval | Undefined) -> dict[str, Any]:
    """The value under its name; an undefined one is null, with the reason beside it."""
    if isinstance(value, Undefined):
        return {name: None, f"{name}_reason": value.reason}
    return {name: list(value) if isinstance(value, Interval) else value}


def _plain(name: str) -> str:
    """A name as one folder name: what a dataset calls itself must not lead elsewhere."""
    return re.sub(r"[^\w+.-]", "_", name).lstrip(".")[:100] or "unnamed"
