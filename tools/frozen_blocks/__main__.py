"""Linear probes on the frozen blocks of a foundation model: which of them tell, and from which fakes.

    python -m tools.frozen_blocks --config=configs/mover.py:foundation --out=DIR

No network is trained. Class token and mean patch token of every block are taken of all validation and test
faces, and of --faces training faces of each origin: real, the dataset's own fakes, and forgeries of
each kind. Then logistic regressions are fitted to them, chosen by validation and measured on the test split
once: on each block alone and on those that the config reads, trained on the dataset's fakes; and on the
latter trained on forgeries of all kinds, of each kind alone and of all but one, always as many. The probe
of the dataset's fakes also says which forgeries are like them. Prints both tables, with 95 % intervals over
people, and leaves DIR/table.json. The features stay in DIR, so the same
command goes on where it was stopped.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from jaxfake import config
from jaxfake.config import Config
from jaxfake.evaluation.evidence.baselines.frozen_features import (
    FrozenNetwork,
    ImportedFeatures,
    frozen_features,
)
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.start.imported_network import load_imported
from jaxfake.reporting.wording import interval_text, number_text
from jaxfake.runtime import cli, config_flag
from jaxfake.runtime.devices import check_devices
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from jaxfake.runtime.progress import say
from tools.frozen_blocks.faces import FaceSet, face_sets
from tools.frozen_blocks.probes import Features, Row, likeness, probe_rows

_CONFIG = config_flag.define_config(
    "configs/mover.py:foundation", "Its dataset, imported network and the blocks that it reads."
)
_OUT = define_path("out", None, "Folder for features and table.")
_FACES = flags.DEFINE_integer("faces", 1000, "Most training faces of each origin.", 10)

_CHUNK = 256
"""Faces that are computed before they are kept."""


def main() -> None:
    """Takes the features, fits the probes, prints the table."""
    if not _OUT.value:
        raise InputError("--out is needed: a folder for the features and the table")
    check_devices()
    run = config.parse(_CONFIG.value)
    if run.finetuned is None:
        raise InputError("the config imports no network: name one such as :foundation")
    depth = run.finetuned.vit.size.depth
    blocks = run.finetuned.blocks or (depth,)
    out = Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    splits, test = open_data.training_splits(run), open_data.test_split(run)
    every = dataclasses.replace(run.finetuned, blocks=tuple(range(1, depth + 1)))
    network = _network(dataclasses.replace(run, finetuned=every))
    sets = {
        one.name: _taken(network, run, one, out, depth)
        for one in face_sets(splits.train, [splits.val, test], _FACES.value, run.seed)
    }
    features = Features(sets, splits.val, test)
    rows, alike = list(probe_rows(features, blocks)), likeness(features, blocks)
    written = {
        "probes": [_plain(row) for row in rows],
        "likeness": {kind: dataclasses.asdict(auc) for kind, auc in alike.items()},
    }
    (out / "table.json").write_text(json.dumps(written, indent=1) + "\n")
    print(f"{_table(rows)}\n\n{_alike_table(alike)}")


def _network(run: Config) -> FrozenNetwork:
    imported, network = load_imported(run), build_method.imported_network(run)
    assert imported is not None
    assert network is not None
    features = ImportedFeatures(build_method.recovery(run), network)
    return FrozenNetwork(features, imported.params, "imported")


def _taken(network: FrozenNetwork, run: Config, one: FaceSet, out: Path, depth: int) -> np.ndarray:
    """The features of a set, from the files of an earlier call as far as they are there."""
    parts = []
    for begin in range(0, len(one.rows), _CHUNK):
        rows = one.rows[begin : begin + _CHUNK]
        file = out / f"{one.name}_{begin}.npz"
        if not file.exists():
            say(f"{one.name}: faces {begin} to {begin + len(rows)} of {len(one.rows)}")
            features = frozen_features(network, one.faces, rows, build_method.scoring(run))
            part = out / f"{file.stem}.part.npz"
            np.savez(part, rows=rows, features=features.astype(np.float16))
            part.replace(file)
        with np.load(file) as kept:
            if not np.array_equal(kept["rows"], rows):
                raise InputError(f"{file} is of other faces: name another --out")
            parts.append(kept["features"])
    return np.concatenate(parts).reshape(len(one.rows), depth, -1)


def _plain(row: Row) -> dict[str, object]:
    return row._asdict() | {"test": dataclasses.asdict(row.test)}


def _alike_table(alike: Mapping[str, Auc]) -> str:
    """Markdown."""
    lines = [
        "| forgeries | AUC of the probe of the dataset's fakes, against the same faces | 95 % |",
        "| --- | --- | --- |",
    ]
    for kind, one in alike.items():
        lines.append(f"| {kind} | {number_text(one.value)} | {interval_text(one.ci95)} |")
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| trained on | blocks | validation | test AUC | 95 % |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        area = number_text(row.test.value)
        blocks, interval = ", ".join(map(str, row.blocks)), interval_text(row.test.ci95)
        lines.append(
            f"| {row.trained_on} | {blocks} | {row.validation_auc:.3f} | {area} | {interval} |"
        )
    one = rows[0].test
    lines.append(
        f"\nTest split: {one.n_real} real and {one.n_fake} fake faces of {one.people_real} and "
        f"{one.people_fake} people."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    cli.run(main)
