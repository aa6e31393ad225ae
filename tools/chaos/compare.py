"""Whether two runs ended alike, bit for bit."""

import json
from pathlib import Path
from typing import Any

from jaxfake.runtime.files import sha256
from tools.chaos.job import steps

MEASURED = ("faces_per_second", "data_wait", "interruptions")
"""Columns that tell of the machine, as do all that begin with `wall/`."""


def same_end(calm: Path, other: Path) -> bool:
    """Whether two finished runs left the same parameters, scores and metrics."""
    return not differences(calm, other)


def differences(calm: Path, other: Path, rows_were_lost: bool = False) -> list[str]:
    """What is not the same in two finished runs: nothing, if all is well.

    Args:
        calm: folder of the untouched run.
        other: folder of the other.
        rows_were_lost: somebody cut `metrics.jsonl`, so only rows that are there are compared.
    """
    found = list[str]()
    if _fingerprints(calm) != _fingerprints(other):
        found.append("the last checkpoints differ")
    if _scores(calm) != _scores(other):
        found.append("the scores differ")
    theirs, ours = _metrics(calm), _metrics(other)
    if rows_were_lost:
        ours = [row for row in ours if row is not None]
        theirs = [row for row in theirs if row in ours]
    if theirs != ours:
        found.append(f"the rows of metrics differ ({len(theirs)} and {len(ours)})")
    return found


def digests(folder: Path) -> dict[str, str]:
    """Of every file below a folder, by its path in there."""
    return {
        str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()
    }


def _fingerprints(workdir: Path) -> dict[str, list[list[int]]]:
    """Of every array of each stage's last checkpoint: parameters, moments and counters."""
    return {
        stage: _fingerprint(workdir / "checkpoints" / stage / str(numbers[-1]))
        for stage, numbers in steps(workdir).items()
    }


def _fingerprint(checkpoint: Path) -> list[list[int]]:
    sealed = json.loads((checkpoint / "meta" / "metadata").read_text())
    fingerprint: list[list[int]] = sealed["content"]["fingerprint"]
    return fingerprint


def _scores(workdir: Path) -> dict[str, bytes]:
    found = sorted((workdir / "eval").rglob("*.csv"))
    return {str(path.relative_to(workdir)): path.read_bytes() for path in found}


def _metrics(workdir: Path) -> list[dict[str, Any] | None]:
    """Rows without what is measured, of those that have more; None for a row that is cut short."""
    rows = map(_row, (workdir / "metrics.jsonl").read_text().splitlines())
    return [row for row in rows if row is None or row.keys() - {"stage", "step"}]


def _row(line: str) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return {k: v for k, v in row.items() if not (k in MEASURED or k.startswith("wall/"))}
