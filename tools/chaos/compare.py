"""Compares the results of two runs, bit for bit."""

import json
from pathlib import Path
from typing import Any

from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.files import sha256
from tools.chaos.job import steps

MEASURED = ("faces_per_second", "data_wait", "interruptions")
"""Columns that depend on the machine, as do all that begin with `wall/`."""


def same_end(reference: Path, other: Path) -> bool:
    """Whether two finished runs left the same parameters, scores and metrics."""
    return not differences(reference, other)


def differences(reference: Path, other: Path, rows_were_lost: bool = False) -> list[str]:
    """What differs between two finished runs; an empty list if nothing does.

    Args:
        reference: folder of the undisturbed run.
        other: folder of the other run.
        rows_were_lost: `metrics.jsonl` was cut, so only its remaining rows are compared.
    """
    found = list[str]()
    if _array_digests(reference) != _array_digests(other):
        found.append("the last checkpoints differ")
    if _scores(reference) != _scores(other):
        found.append("the scores differ")
    theirs, ours = _metrics(reference), _metrics(other)
    if rows_were_lost:
        ours = [row for row in ours if row is not None]
        theirs = [row for row in theirs if row in ours]
    if theirs != ours:
        found.append(f"the rows of metrics differ ({len(theirs)} and {len(ours)})")
    return found


def digests(folder: Path) -> dict[str, str]:
    """Digests of all files below a folder, by their paths below it."""
    return {
        str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()
    }


def _array_digests(workdir: Path) -> dict[str, list[list[int]]]:
    """Digests of all arrays in each stage's last checkpoint: parameters, moments and counters."""
    return {
        stage: _array_digests_of(RunFolder(workdir).stage(stage).checkpoints / str(numbers[-1]))
        for stage, numbers in steps(workdir).items()
    }


def _array_digests_of(checkpoint: Path) -> list[list[int]]:
    sealed = json.loads((checkpoint / "meta" / "metadata").read_text())
    digests_of_arrays: list[list[int]] = sealed["content"]["fingerprint"]
    return digests_of_arrays


def _scores(workdir: Path) -> dict[str, bytes]:
    found = sorted(RunFolder(workdir).evaluation.rglob("*.csv"))
    return {str(path.relative_to(workdir)): path.read_bytes() for path in found}


def _metrics(workdir: Path) -> list[dict[str, Any] | None]:
    """The rows without measured columns, if other columns are left; None for a row that is cut short."""
    rows = map(_row, RunFolder(workdir).metrics.read_text().splitlines())
    return [row for row in rows if row is None or row.keys() - {"stage", "step"}]


def _row(line: str) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return {k: v for k, v in row.items() if not (k in MEASURED or k.startswith("wall/"))}
