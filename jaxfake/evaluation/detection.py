"""A detector on a dataset: over all fakes and per manipulation, videos without a face counted in.

Nothing here chooses anything by its result.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import score_files
from jaxfake.evaluation.aggregate import VideoScores, against_reals, per_video, with_missing
from jaxfake.evaluation.metrics.auc import Bootstrap
from jaxfake.evaluation.metrics.operating_points import EER_DEFINITION
from jaxfake.evaluation.missing import NO_FACE, OK, missing_videos
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.quality import Quality, ScoreKind, measure_quality, quality_json
from jaxfake.evaluation.result_files import Provenance, write_json

P_FAKE = ScoreKind("P(fake)", probability=True)

NO_FACE_SCORE = 0.5
"""P(fake) of a video without a face, as in the test protocol of SelfBlendedImages (Shiohara, 2022)."""


class Counts(NamedTuple):
    """What became of the videos of the split."""

    videos: int
    ok: int
    no_face: int
    unreadable: int


class Detection(NamedTuple):
    """One score of a dataset against its labels."""

    frames: FrameScores
    videos: VideoScores
    kind: ScoreKind
    overall: Quality
    per_method: dict[str, Quality]  # by manipulation, against the shared reals
    coverage: Counts
    aggregation: Aggregation
    bootstrap: Bootstrap


def measure(
    dataset: FaceDataset,
    frames: FrameScores,
    aggregation: Aggregation,
    bootstrap: Bootstrap,
    kind: ScoreKind = P_FAKE,
) -> Detection:
    """Measures `frames.score`; videos without a known label are left out.

    A video without a face has the score 0.5 if the score is a probability, and else none.

    Raises:
        InputError: the faces of one video have different labels.
        ValueError: a score that should be a probability is none.
    """
    no_face = NO_FACE_SCORE if kind.probability else None
    with_face = per_video(dataset.index, frames, aggregation)
    videos = with_missing(with_face, missing_videos(dataset), no_face)
    everything = np.ones(len(videos.label), np.bool_)
    return Detection(
        frames=frames,
        videos=videos,
        kind=kind,
        overall=measure_quality(frames, videos, everything, kind, bootstrap),
        per_method={
            method: measure_quality(frames, videos, against_reals(videos, method), kind, bootstrap)
            for method in np.unique(videos.method[videos.label == schema.FAKE]).tolist()
        },
        coverage=_count(videos.status),
        aggregation=aggregation,
        bootstrap=bootstrap,
    )


def write(
    folder: Path,
    dataset: FaceDataset,
    result: Detection,
    origin: Provenance,
    localisation: Mapping[str, Any] | None,
) -> None:
    """Writes `frames.csv`, `scores.csv` and `metrics.json` to the folder."""
    write_with(folder, dataset, result, origin, {"localisation": localisation})


def write_with(
    folder: Path,
    dataset: FaceDataset,
    result: Detection,
    origin: Provenance,
    more: Mapping[str, Any],
) -> None:
    """The same three files, with more keys in `metrics.json`."""
    score_files.write_frames(folder / "frames.csv", dataset.index, result.frames)
    score_files.write_scores(folder / "scores.csv", result.videos)
    write_json(
        folder / "metrics.json",
        {
            **origin._asdict(),
            "split": dataset.split,
            "score": result.kind.name,
            "aggregation": result.aggregation,
            "eer_definition": EER_DEFINITION,
            "interval": "95 %, percentile bootstrap, videos resampled within each class",
            "interval_identities": "95 %, percentile bootstrap, identities resampled, "
            "reals and fakes of one together",
            **result.bootstrap._asdict(),
            "coverage": result.coverage._asdict(),
            **quality_json(result.overall),
            "per_method": {name: quality_json(one) for name, one in result.per_method.items()},
            "localisation": None,
            **more,
        },
    )


def _count(status: np.ndarray) -> Counts:
    ok, no_face = int((status == OK).sum()), int((status == NO_FACE).sum())
    return Counts(len(status), ok, no_face, len(status) - ok - no_face)
