"""What every result file says of its origin, and how results are written as JSON."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.runtime.files import write_atomically


class Provenance(NamedTuple):
    """What a result was made from; part of every result file."""

    config_sha256: str
    train_sha256: str  # digest of the data trained on
    data_sha256: str  # digest of the split scored
    train_manifest: str  # of what the data trained on was prepared from; '' if they were drawn
    data_manifest: str  # the same of the data scored
    stage: str
    step: int  # of the checkpoint
    splits: dict[str, Any] | None = None  # of the data scored, see `split_check.SplitCheck`
    data_caveats: tuple[str, ...] = ()  # what every result on the data scored has to say
    data_identities: str = ""  # what to know of who is in the data scored; '' if there is nothing


def write_json(path: Path, values: dict[str, Any]) -> None:
    """The values as indented JSON; NaN and infinity are errors, since JSON has neither."""
    text = json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False)
    write_atomically(path, text + "\n")


def json_fields(name: str, value: float | Interval | Undefined) -> dict[str, Any]:
    """The value under its name; an undefined one is null, with the reason beside it."""
    if isinstance(value, Undefined):
        return {name: None, f"{name}_reason": value.reason}
    return {name: list(value) if isinstance(value, Interval) else value}


def auc_json(auc: Auc) -> dict[str, Any]:
    """An AUC with its interval and counts, as result files have it."""
    fields = json_fields("auc", auc.value) | json_fields("auc_ci95", auc.ci95)
    return fields | {
        "n_real": auc.n_real,
        "n_fake": auc.n_fake,
        "people_real": auc.people_real,
        "people_fake": auc.people_fake,
    }
