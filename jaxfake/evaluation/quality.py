"""Everything that is said of a score: measured by video and by face, as every result file states it."""

from typing import Any, NamedTuple

import numpy as np

from jaxfake.evaluation.aggregate import VideoScores, scored
from jaxfake.evaluation.metrics import operating_points
from jaxfake.evaluation.metrics.auc import (
    Auc,
    Bootstrap,
    Interval,
    Undefined,
    identity_interval,
    measure_auc,
)
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import json_fields


class ScoreKind(NamedTuple):
    """What a score is."""

    name: str
    probability: bool  # or else any number that grows with suspicion


class Measures(NamedTuple):
    """A score against the labels."""

    auc: Auc  # its interval resamples videos
    auc_ci95_identities: Interval | Undefined  # resamples people, reals and fakes together
    ap: float | Undefined  # average precision
    eer: float | Undefined  # see `operating.EER_DEFINITION`
    accuracy: float | Undefined  # at P(fake) >= 0.5
    tpr_at_fpr: float | Undefined  # at FPR 1 %


class Quality(NamedTuple):
    """One score by video and by face."""

    video: Measures
    frame: Measures


class AucPair(NamedTuple):
    """The areas alone, of a score that is listed for comparison."""

    video: Auc
    frame: Auc


class _Cases(NamedTuple):
    """Videos or faces that take part."""

    label: np.ndarray  # int32 [n], 0 or 1
    score: np.ndarray  # float64 [n], finite
    video: np.ndarray  # int64 [n]
    identity: np.ndarray  # str [n]


def measure_quality(
    frames: FrameScores,
    videos: VideoScores,
    chosen: np.ndarray,
    kind: ScoreKind,
    bootstrap: Bootstrap,
) -> Quality:
    """Measures the chosen videos, bool [v], and their faces.

    Videos without a score or a known label are left out; one without a face takes part, if it has a
    score, by video alone.
    """
    return Quality(
        _measures(_video_cases(videos, chosen, videos.score), kind, bootstrap),
        _measures(_face_cases(videos, chosen, frames.score), kind, bootstrap),
    )


def measure_evidence(
    frames: FrameScores, videos: VideoScores, chosen: np.ndarray, name: str, bootstrap: Bootstrap
) -> AucPair:
    """The areas of one further score of the chosen videos, bool [v]."""
    by_video = _video_cases(videos, chosen, videos.evidence[name])
    by_face = _face_cases(videos, chosen, frames.evidence[name])
    return AucPair(_auc(by_video, bootstrap), _auc(by_face, bootstrap))


def quality_json(quality: Quality) -> dict[str, Any]:
    """As metrics.json has it."""
    return {"video": _json(quality.video), "frame": _json(quality.frame)}


def auc_json(auc: Auc) -> dict[str, Any]:
    """An area with its interval and counts."""
    fields = json_fields("auc", auc.value) | json_fields("auc_ci95", auc.ci95)
    return fields | {"n_real": auc.n_real, "n_fake": auc.n_fake}


def _json(measures: Measures) -> dict[str, Any]:
    return (
        auc_json(measures.auc)
        | json_fields("auc_ci95_identities", measures.auc_ci95_identities)
        | json_fields("ap", measures.ap)
        | json_fields("eer", measures.eer)
        | json_fields("acc_at_0.5", measures.accuracy)
        | json_fields("tpr_at_fpr_0.01", measures.tpr_at_fpr)
    )


def _video_cases(videos: VideoScores, chosen: np.ndarray, score: np.ndarray) -> _Cases:
    video = np.flatnonzero(chosen & scored(videos) & np.isfinite(score))
    return _Cases(videos.label[video], score[video], video, videos.identity[video])


def _face_cases(videos: VideoScores, chosen: np.ndarray, score: np.ndarray) -> _Cases:
    faces = (chosen & scored(videos))[videos.of_face]
    video = videos.of_face[faces]
    return _Cases(videos.label[video], score[faces], video, videos.identity[video])


def _measures(cases: _Cases, kind: ScoreKind, bootstrap: Bootstrap) -> Measures:
    label, score = cases.label, cases.score
    no_probability = Undefined("the score is no probability")
    return Measures(
        auc=_auc(cases, bootstrap),
        auc_ci95_identities=identity_interval(label, score, cases.identity, bootstrap),
        ap=operating_points.average_precision(label, score),
        eer=operating_points.equal_error_rate(label, score),
        accuracy=operating_points.accuracy(label, score) if kind.probability else no_probability,
        tpr_at_fpr=operating_points.hits_at_few_alarms(label, score),
    )


def _auc(cases: _Cases, bootstrap: Bootstrap) -> Auc:
    return measure_auc(cases.label, cases.score, cases.video, bootstrap)
