"""The metrics of a score, over videos and over faces, as every result file states them."""

import dataclasses
from typing import Any

import numpy as np

from jaxfake.evaluation.aggregate import VideoScores, scored
from jaxfake.evaluation.metrics import operating_points
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import auc_json, json_fields


@dataclasses.dataclass(frozen=True)
class ScoreKind:
    """What a score is.

    Attributes:
        name: for people.
        probability: whether it is P(fake), or any number that is larger for fakes.
    """

    name: str
    probability: bool


@dataclasses.dataclass(frozen=True)
class ScoreMetrics:
    """A score compared with the labels."""

    auc: Auc
    ap: float | Undefined  # average precision
    eer: float | Undefined  # see `operating_points.EER_DEFINITION`
    accuracy: float | Undefined  # at P(fake) >= 0.5
    tpr_at_low_fpr: float | Undefined  # at FPR 1 %


@dataclasses.dataclass(frozen=True)
class DetectionMetrics:
    """The metrics of one score over videos and over faces."""

    video: ScoreMetrics
    frame: ScoreMetrics


@dataclasses.dataclass(frozen=True)
class AucPair:
    """The AUC alone, of a score that is listed for comparison."""

    video: Auc
    frame: Auc


@dataclasses.dataclass(frozen=True, eq=False)
class _Examples:
    """The videos or faces that count."""

    label: np.ndarray  # int32 [n], 0 or 1
    score: np.ndarray  # float64 [n], finite
    identity: np.ndarray  # str [n]


def measure_scores(
    frames: FrameScores,
    videos: VideoScores,
    chosen: np.ndarray,
    kind: ScoreKind,
) -> DetectionMetrics:
    """The metrics of the chosen videos, bool [v], and of their faces.

    Videos without a score or a known label are left out. A video without a face that has a score
    counts among the videos only.
    """
    return DetectionMetrics(
        _measure(_videos(videos, chosen, videos.score), kind),
        _measure(_faces(videos, chosen, frames.score), kind),
    )


def compare_with_labels(
    label: np.ndarray, score: np.ndarray, people: np.ndarray, kind: ScoreKind
) -> ScoreMetrics:
    """All metrics of a score.

    Args:
        label: int [n], 0 real, 1 fake.
        score: float [n], finite, larger for fakes.
        people: int or str [n], who is shown.
        kind: of the score.
    """
    not_a_probability = Undefined("the score is not a probability")
    return ScoreMetrics(
        auc=measure_auc(label, score, people),
        ap=operating_points.average_precision(label, score),
        eer=operating_points.equal_error_rate(label, score),
        accuracy=operating_points.accuracy(label, score) if kind.probability else not_a_probability,
        tpr_at_low_fpr=operating_points.tpr_at_low_fpr(label, score),
    )


def evidence_auc(
    frames: FrameScores, videos: VideoScores, chosen: np.ndarray, name: str
) -> AucPair:
    """The AUC of another score, over the chosen videos, bool [v], and over their faces."""
    by_video = _videos(videos, chosen, videos.evidence[name])
    by_face = _faces(videos, chosen, frames.evidence[name])
    return AucPair(_auc(by_video), _auc(by_face))


def metrics_json(metrics: DetectionMetrics) -> dict[str, Any]:
    """As metrics.json has it."""
    return {"video": score_json(metrics.video), "frame": score_json(metrics.frame)}


def score_json(metrics: ScoreMetrics) -> dict[str, Any]:
    """One of them."""
    return (
        auc_json(metrics.auc)
        | json_fields("ap", metrics.ap)
        | json_fields("eer", metrics.eer)
        | json_fields("acc_at_0.5", metrics.accuracy)
        | json_fields("tpr_at_fpr_0.01", metrics.tpr_at_low_fpr)
    )


def _videos(videos: VideoScores, chosen: np.ndarray, score: np.ndarray) -> _Examples:
    video = np.flatnonzero(chosen & scored(videos) & np.isfinite(score))
    return _Examples(videos.label[video], score[video], videos.identity[video])


def _faces(videos: VideoScores, chosen: np.ndarray, score: np.ndarray) -> _Examples:
    faces = (chosen & scored(videos))[videos.of_face]
    video = videos.of_face[faces]
    return _Examples(videos.label[video], score[faces], videos.identity[video])


def _measure(examples: _Examples, kind: ScoreKind) -> ScoreMetrics:
    return compare_with_labels(examples.label, examples.score, examples.identity, kind)


def _auc(examples: _Examples) -> Auc:
    return measure_auc(examples.label, examples.score, examples.identity)
