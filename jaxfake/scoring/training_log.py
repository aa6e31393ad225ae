"""The course of training, as in `metrics.jsonl`."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class TrainingLog(NamedTuple):
    """One entry per row of one stage, in order of the steps."""

    step: np.ndarray  # int64 [r]
    loss: np.ndarray  # float64 [r], mean since the row before; NaN where it was not finite
    faces_per_second: np.ndarray  # float64 [r], NaN where not measured


def read_log(path: Path, stage: str) -> TrainingLog:
    """The rows of a stage; none if there is no file. A row that a kill cut short is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [row for row in map(_parsed, lines) if row is not None and row["stage"] == stage]
    return TrainingLog(
        step=np.array([row["step"] for row in rows], np.int64),
        loss=np.array([row.get("loss") for row in rows], np.float64),
        faces_per_second=np.array([row.get("faces_per_second") for row in rows], np.float64),
    )


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return row
