"""The results of an ablation study, read from the folders of its runs; each config against the first."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxfake.evaluation.evidence.baselines.measured import (
    PROBE_IMPORTED,
    PROBE_STAGE_1,
    RECOVERY_RELATIVE,
)
from jaxfake.evaluation.evidence.confounds import TOGETHER
from jaxfake.evaluation.heat_accumulator import DETECTOR
from jaxfake.evaluation.metrics.paired_auc import AucDifference, compare_aucs
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.stored_scores.alignment import align
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import read_scores
from jaxfake.experiment.run_folder import RECOVER
from jaxfake.runtime.errors import InputError

SCORES = "scores.csv"

FLOORS = {
    "file size": "file_bytes",
    "file, size and light together": TOGETHER,
    "stage 1 alone": RECOVERY_RELATIVE,
    "probe on stage 1": PROBE_STAGE_1,
    "probe on the imported network": PROBE_IMPORTED,
}
"""What a detector should be above, and its name in metrics.json."""


@dataclasses.dataclass(frozen=True)
class Run:
    """The results of one run on the test split. Dice is None for a heat map without a threshold."""

    auc: float  # over videos
    ci95: tuple[float, float] | None  # over people
    floors: dict[str, float | None]  # AUC of what needs no detector, by the names of `FLOORS`
    auc_by_method: dict[str, float]
    dice: float | None  # mean over faces
    dice_by_method: dict[str, float | None]
    trivial: float | None  # best Dice of a map that does not depend on the face
    false_area: float | None  # share of the area of real faces that is called manipulated
    n_real: int
    n_fake: int
    results: Path  # the folder of its files


@dataclasses.dataclass(frozen=True)
class Row:
    """One config: its runs for all seeds with all manipulations, and without one of them, by its name."""

    name: str
    seen: tuple[Run, ...]
    unseen: dict[str, tuple[Run, ...]]


@dataclasses.dataclass(frozen=True)
class Compared:
    """The video AUC of some scores minus that of the first config, for each seed."""

    name: str
    differences: tuple[AucDifference | Undefined, ...]


def read_run(run: Path) -> Run:
    """The results in the folder of a finished run.

    Raises:
        InputError: it has none, or several.
    """
    found = sorted(run.glob("eval/*/test/metrics.json"))
    if len(found) != 1:
        raise InputError(f"{run} has {len(found)} results of a test split, where one is expected")
    result = json.loads(found[0].read_text("utf-8"))
    where = result["localisation"]
    by_method = {name: one["video"]["auc"] for name, one in result["per_method"].items()}
    counts = result["video"]["n_real"], result["video"]["n_fake"]
    folder = found[0].parent
    interval, floors = _interval(result["video"]), _floors(result)
    aucs = result["video"]["auc"], interval, floors, by_method
    if where is None:
        return Run(*aucs, None, {}, None, None, *counts, folder)
    dice = _dices(where)
    ours = dice.pop(DETECTOR)
    return Run(
        *aucs,
        ours,
        {name: _dices(one)[DETECTOR] for name, one in where["per_method"].items()},
        max((value for value in dice.values() if value is not None), default=None),
        where["reals"]["maps"][DETECTOR]["area"],
        *counts,
        folder,
    )


def _interval(video: dict[str, Any]) -> tuple[float, float] | None:
    found = video.get("auc_ci95")
    return (found[0], found[1]) if found else None


def _floors(result: dict[str, Any]) -> dict[str, float | None]:
    attributes = (result.get("confounds") or {}).get("attributes", {})
    known = attributes | (result.get("baselines") or {})
    return {title: known.get(name, {}).get("auc") for title, name in FLOORS.items()}


def _dices(group: dict[str, Any]) -> dict[str, float | None]:
    """Mean Dice of each map of a group in metrics.json."""
    return {name: one["mean_over_faces"]["dice"] for name, one in group["maps"].items()}


def compared(rows: Sequence[Row]) -> list[Compared]:
    """Every config but the first, and stage 1 alone of the first, against the first."""
    first = [run.results for run in rows[0].seen]
    others = {row.name: [run.results for run in row.seen] for row in rows[1:]}
    alone = [folder / RECOVER for folder in first]
    if all((folder / SCORES).exists() for folder in alone):
        others["error of stage 1 alone"] = alone
    return [
        Compared(name, tuple(map(_difference, folders, first))) for name, folders in others.items()
    ]


def _difference(ours: Path, theirs: Path) -> AucDifference | Undefined:
    """Of the videos that both folders score."""
    both = align([read_scores(folder / SCORES, ScoreColumns()) for folder in (ours, theirs)])
    first, second = both.scores
    return compare_aucs(both.label, first, second, both.person)


def plain_row(row: Row) -> dict[str, Any]:
    """A row for a JSON file."""
    return {
        "name": row.name,
        "seen": [_plain_run(run) for run in row.seen],
        "unseen": {name: [_plain_run(run) for run in runs] for name, runs in row.unseen.items()},
    }


def _plain_run(run: Run) -> dict[str, Any]:
    return dataclasses.asdict(run) | {"results": str(run.results)}
