"""The metrics of a detector on a dataset, over all fakes and for each manipulation.

Videos without a face count. Nothing is chosen by its result.
"""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import score_files
from jaxfake.evaluation.aggregate import VideoScores, against_reals, per_video, with_missing
from jaxfake.evaluation.evidence.confounds import Confound, confounds_json
from jaxfake.evaluation.evidence.protocols.protocol import NoFace
from jaxfake.evaluation.evidence.video_confounds import of_videos
from jaxfake.evaluation.metrics import auc_interval
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.operating_points import EER_DEFINITION
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.missing_videos import NO_FACE, OK, missing_videos
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import Provenance, auc_json, json_fields, write_json
from jaxfake.evaluation.score_metrics import (
    DetectionMetrics,
    ScoreKind,
    measure_scores,
    metrics_json,
)
from jaxfake.evaluation.stored_scores import people, workbench

P_FAKE = ScoreKind("P(fake)", probability=True)

NO_FACE_SCORE = 0.5
"""P(fake) of a video without a face, as in the test protocol of SelfBlendedImages (Shiohara, 2022)."""


@dataclasses.dataclass(frozen=True)
class VideoCounts:
    """How many videos of the split have a face, have none, or cannot be read."""

    videos: int
    ok: int
    no_face: int
    unreadable: int
    no_face_real: int
    no_face_fake: int


@dataclasses.dataclass(frozen=True)
class ByTraining:
    """The fakes whose manipulation training had, and the others, each against the same reals."""

    never_seen: tuple[str, ...]  # names of the manipulations
    seen: DetectionMetrics
    unseen: DetectionMetrics


@dataclasses.dataclass(frozen=True)
class DetectionResult:
    """One score of a dataset compared with its labels."""

    frames: FrameScores
    videos: VideoScores
    kind: ScoreKind
    overall: DetectionMetrics
    with_face: (
        Auc  # over videos with a face alone; the score of those without may be an extreme rank
    )
    per_manipulation: dict[str, DetectionMetrics]  # each against the same reals
    coverage: VideoCounts
    aggregation: Aggregation
    no_face_counts: bool  # whether a video without a face has a score
    confounds: tuple[Confound, ...] | Undefined  # of the files of the videos that are scored
    by_training: ByTraining | None  # None unless there are fakes of both kinds, and it is known


def measure(
    dataset: FaceDataset,
    frames: FrameScores,
    aggregation: Aggregation,
    kind: ScoreKind = P_FAKE,
    trained: Collection[str] | None = None,
    no_face: NoFace = "half",
) -> DetectionResult:
    """Measures `frames.score`; videos without a known label are left out.

    A video without a face has the score 0.5 if scores are probabilities and `no_face` is 'half', else it
    has none.

    Args:
        dataset: whose faces are scored.
        frames: their scores.
        aggregation: how the scores of a video's faces become one.
        kind: of the scores.
        trained: the manipulations that training had; None if that is not known.
        no_face: what becomes of a video without a face.

    Raises:
        InputError: the faces of one video have different labels.
        ValueError: a score that should be a probability is not one.
    """
    no_face_score = NO_FACE_SCORE if kind.probability and no_face == "half" else None
    with_face = per_video(dataset.index, frames, aggregation)
    videos = with_missing(with_face, missing_videos(dataset), no_face_score)
    everything = np.ones(len(videos.label), np.bool_)
    return DetectionResult(
        frames=frames,
        videos=videos,
        kind=kind,
        overall=measure_scores(frames, videos, everything, kind),
        with_face=measure_scores(frames, videos, videos.status == OK, kind).video.auc,
        per_manipulation={
            name: measure_scores(frames, videos, against_reals(videos, name), kind)
            for name in np.unique(videos.method[videos.label == schema.FAKE]).tolist()
        },
        coverage=_count(videos),
        aggregation=aggregation,
        no_face_counts=no_face_score is not None,
        confounds=of_videos(dataset, videos),
        by_training=_by_training(frames, videos, kind, trained),
    )


def _by_training(
    frames: FrameScores, videos: VideoScores, kind: ScoreKind, trained: Collection[str] | None
) -> ByTraining | None:
    fake = videos.label == schema.FAKE
    methods = set(videos.method[fake].tolist())
    if trained is None or not methods & set(trained) or not methods - set(trained):
        return None
    seen = np.isin(videos.method, list(trained))
    return ByTraining(
        tuple(sorted(methods - set(trained))),
        measure_scores(frames, videos, ~fake | seen, kind),
        measure_scores(frames, videos, ~fake | ~seen, kind),
    )


def write_files(
    folder: Path,
    dataset: FaceDataset,
    result: DetectionResult,
    origin: Provenance,
    more: Mapping[str, Any],
) -> None:
    """Writes `frames.csv`, `scores.csv`, `people.csv`, `workbench.csv` and `metrics.json`.

    `more` are keys of the last, in place of what is null here.
    """
    score_files.write_frames(folder / "frames.csv", dataset.index, result.frames)
    score_files.write_scores(folder / "scores.csv", result.videos)
    score_files.write_people(folder / people.FILE_NAME, result.videos)
    if result.kind.probability:
        at = result.videos
        names = (at.dataset, at.method, at.video_id)
        score_files.write_workbench(folder / workbench.FILE_NAME, *names, at.score)
    write_json(
        folder / "metrics.json",
        {
            **origin._asdict(),
            "split": dataset.split,
            "score": result.kind.name,
            "aggregation": result.aggregation,
            "eer_definition": EER_DEFINITION,
            "interval": auc_interval.METHOD,
            "coverage": dataclasses.asdict(result.coverage),
            **metrics_json(result.overall),
            "video_with_face": auc_json(result.with_face),
            "per_method": {
                name: metrics_json(metrics) for name, metrics in result.per_manipulation.items()
            },
            **_by_training_json(result.by_training),
            "localisation": None,
            "protocol": None,
            "calibration": None,
            "robustness": None,
            "baselines": None,
            **_confounds_json(result.confounds),
            **more,
        },
    )


def _by_training_json(found: ByTraining | None) -> dict[str, Any]:
    if found is None:
        return {"seen_in_training": None, "never_seen_in_training": None}
    return {
        "seen_in_training": metrics_json(found.seen),
        "never_seen_in_training": {"methods": found.never_seen, **metrics_json(found.unseen)},
    }


def _confounds_json(confounds: tuple[Confound, ...] | Undefined) -> dict[str, Any]:
    if isinstance(confounds, Undefined):
        return json_fields("confounds", confounds)
    return {"confounds": confounds_json(confounds)}


def _count(videos: VideoScores) -> VideoCounts:
    ok, no_face = int((videos.status == OK).sum()), videos.status == NO_FACE
    return VideoCounts(
        videos=len(videos.status),
        ok=ok,
        no_face=int(no_face.sum()),
        unreadable=len(videos.status) - ok - int(no_face.sum()),
        no_face_real=int((no_face & (videos.label == schema.REAL)).sum()),
        no_face_fake=int((no_face & (videos.label == schema.FAKE)).sum()),
    )
