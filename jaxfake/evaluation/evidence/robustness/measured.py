"""AUC and localisation at each level of perturbations, against the undisturbed videos.

Reals and fakes are perturbed alike, so that no level tells one from the other. A level is also what a
shared re-encoding of both classes does: a detector that falls to chance at the weakest H.264 saw a
difference of encodings.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.data.source_frames import SourceFrames
from jaxfake.evaluation import localisation
from jaxfake.evaluation.aggregate import VideoScores, per_video
from jaxfake.evaluation.evidence.robustness.perturbations import LEVELS, PERTURBATIONS
from jaxfake.evaluation.evidence.robustness.perturbed_faces import PerturbedFaces
from jaxfake.evaluation.heat_accumulator import DETECTOR, HeatAccumulator
from jaxfake.evaluation.localisation import FaceMean
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.metrics.paired_auc import AucDifference, compare_aucs
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import auc_json, json_fields

ScoreFaces = Callable[[Faces, np.ndarray, HeatAccumulator | None], FrameScores]
"""Scores the faces at some rows, and hands their heat on, as `predict.score_frames`."""


@dataclasses.dataclass(frozen=True)
class LevelResult:
    """One perturbation at one level.

    Attributes:
        parameter: of the perturbation.
        auc: over the videos with a face.
        change: AUC here minus that of the undisturbed videos.
        dice: of the heat map over the fakes; None for a map without a threshold or data without masks.
    """

    level: int
    parameter: Any
    auc: Auc
    change: AucDifference | Undefined
    dice: FaceMean | None


@dataclasses.dataclass(frozen=True)
class RobustnessResult:
    """All levels of all perturbations that were asked for.

    Attributes:
        applied_to: what was perturbed, the frame before the crop or the crop.
        clean: the AUC of the undisturbed videos with a face.
        clean_dice: of the undisturbed fakes.
        levels: by perturbation.
    """

    applied_to: Literal["frame", "crop"]
    clean: Auc
    clean_dice: FaceMean | None
    levels: dict[str, tuple[LevelResult, ...]]


@dataclasses.dataclass(frozen=True)
class RobustnessTask:
    """What is perturbed and how it is measured.

    Attributes:
        faces: a split.
        rows: int64 [n], of the faces that are scored.
        frames: that the faces were taken from; None if they are gone.
        score: of faces.
        threshold: of the heat map; None if it has none.
        aggregation: how the scores of a video's faces become one.
        bootstrap: for the intervals of Dice.
    """

    faces: FaceDataset
    rows: np.ndarray
    frames: SourceFrames | None
    score: ScoreFaces
    threshold: float | None
    aggregation: Aggregation
    bootstrap: Bootstrap


def measure_robustness(task: RobustnessTask, names: Sequence[str]) -> RobustnessResult:
    """Every level of the perturbations of these names.

    Raises:
        InputError: a frame cannot be read any more.
    """
    clean, clean_dice = _scored(task, task.faces, task.rows)
    levels: dict[str, tuple[LevelResult, ...]] = {}
    for name in names:
        kind, found = PERTURBATIONS[name], []
        for level in LEVELS:
            faces = PerturbedFaces(task.faces, kind, level, task.frames)
            videos, dice = _scored(task, faces, faces.in_order(task.rows))
            parameter = kind.parameters[level - 1]
            change = _change(clean, videos)
            found.append(LevelResult(level, parameter, _auc(videos), change, dice))
        levels[name] = tuple(found)
    applied: Literal["frame", "crop"] = "crop" if task.frames is None else "frame"
    return RobustnessResult(applied, _auc(clean), clean_dice, levels)


def robustness_json(result: RobustnessResult) -> dict[str, Any]:
    """As metrics.json has it."""
    return {
        "applied_to": result.applied_to,
        "clean": auc_json(result.clean) | _dice_json(result.clean_dice),
        "perturbations": {
            name: {
                "unit": PERTURBATIONS[name].unit,
                "levels": [_level_json(one) for one in levels],
            }
            for name, levels in result.levels.items()
        },
    }


def _scored(
    task: RobustnessTask, faces: Faces, rows: np.ndarray
) -> tuple[VideoScores, FaceMean | None]:
    heats = None
    if task.threshold is not None:
        heats = HeatAccumulator(task.faces.index, {}, task.threshold)
    frames = task.score(faces, rows, heats)
    found = None if heats is None else localisation.measure(heats, task.bootstrap)
    dice = None if found is None else found.overall.maps[DETECTOR].per_face["dice"]
    return per_video(task.faces.index, frames, task.aggregation), dice


def _auc(videos: VideoScores) -> Auc:
    known = videos.label != schema.UNKNOWN
    return measure_auc(videos.label[known], videos.score[known], videos.identity[known])


def _change(clean: VideoScores, videos: VideoScores) -> AucDifference | Undefined:
    """Both have the same videos in the same order."""
    known = clean.label != schema.UNKNOWN
    scores = videos.score[known], clean.score[known]
    return compare_aucs(clean.label[known], *scores, clean.identity[known])


def _level_json(one: LevelResult) -> dict[str, Any]:
    fields = {"level": one.level, "parameter": one.parameter, **auc_json(one.auc)}
    if isinstance(one.change, Undefined):
        fields |= json_fields("change", one.change)
    else:
        fields |= {"change": one.change.value, "change_ci95": list(one.change.ci95)}
    return fields | _dice_json(one.dice)


def _dice_json(dice: FaceMean | None) -> dict[str, Any]:
    if dice is None:
        return {}
    return json_fields("dice", dice.mean) | json_fields("dice_ci95", dice.ci95)
