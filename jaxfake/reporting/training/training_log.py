"""Reads the course of training from `metrics.jsonl`."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake.checkpoints.wall_time import WallTime, wall_time_of
from jaxfake.train.metric_rows import rows_of_metrics
from jaxfake.train.stage import SELECTION


@dataclasses.dataclass(frozen=True, eq=False)
class ValidationScores:
    """Scores on the validation split, in order of the steps."""

    step: np.ndarray  # int64 [s]
    score: np.ndarray  # float64 [s]


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingLog:
    """The rows of one stage, in order of the steps."""

    step: np.ndarray  # int64 [r]
    loss: np.ndarray  # float64 [r], mean since the previous row; NaN where it was not finite
    faces_per_second: np.ndarray  # float64 [r], NaN where not measured
    validation: dict[str, ValidationScores]  # by the name of the score that selects the state
    wall: WallTime | None  # where the time went; None if no row has it


def read_log(path: Path, stage: str) -> TrainingLog:
    """The rows of a stage; none if there is no file. A row that was not written to its end is left out.

    Raises:
        InputError: it is not a regular file.
    """
    written = [row for row in rows_of_metrics(path) if row["stage"] == stage]
    rows = [row for row in written if "loss" in row]
    return TrainingLog(
        step=np.array([row["step"] for row in rows], np.int64),
        loss=np.array([row.get("loss") for row in rows], np.float64),
        faces_per_second=np.array([row.get("faces_per_second") for row in rows], np.float64),
        validation=_validation(written),
        wall=next(filter(None, map(wall_time_of, reversed(written))), None),
    )


def _validation(rows: list[dict[str, Any]]) -> dict[str, ValidationScores]:
    names = sorted({name for row in rows for name in row if name.startswith(SELECTION)})
    validation = {}
    for name in names:
        found = [(row["step"], row[name]) for row in rows if name in row]
        steps, scores = zip(*found, strict=True)
        validation[name.removeprefix(SELECTION)] = ValidationScores(
            np.array(steps, np.int64), np.array(scores, np.float64)
        )
    return validation
