"""From the scores of faces to the scores of videos.

A video is identified by (dataset, method, video_id), never by its id alone: in FaceForensics++ the
four manipulations and the originals use the same ids, so grouping by id would merge five videos into one.
`method` is the manipulation, as in the columns of `scores.csv`.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import Index
from jaxfake.evaluation.missing_videos import NO_FACE, OK, MissingVideos
from jaxfake.evaluation.predict import FrameScores
from jaxfake.runtime.errors import InputError

_CLIP = 1e-7
"""Probabilities are clipped to this distance from 0 and 1, so that logits are finite; our choice."""


@dataclasses.dataclass(frozen=True, eq=False)
class VideoScores:
    """One entry per video, sorted by dataset, method, video."""

    dataset: np.ndarray  # str [v]
    method: np.ndarray  # str [v]
    video_id: np.ndarray  # str [v]
    identity: np.ndarray  # str [v]
    label: np.ndarray  # int32 [v], 0 real, 1 fake, -1 unknown
    score: np.ndarray  # float64 [v], NaN if the video has none
    evidence: dict[str, np.ndarray]  # float64 [v] per name: mean over the faces, NaN without any
    frames: np.ndarray  # int64 [v], distinct frames
    faces: np.ndarray  # int64 [v], scored faces
    status: np.ndarray  # str [v]: ok, no_face, unreadable: why
    of_face: np.ndarray  # int64 [n], the video of each scored face


def per_video(index: Index, frames: FrameScores, aggregation: Aggregation = "mean") -> VideoScores:
    """Combines the scores of the faces of each video.

    Raises:
        InputError: the faces of one video have different labels.
        ValueError: `mean_logit` of scores that are not probabilities.
    """
    at = chosen_rows(index, frames.rows)
    names = np.stack([at.dataset, at.method, at.video_id], axis=1)
    unique, first, of_face = np.unique(names, axis=0, return_index=True, return_inverse=True)
    _check_labels(at, first, of_face)
    distinct = np.unique(np.stack([of_face, at.frame], axis=1), axis=0)[:, 0]
    return VideoScores(
        dataset=unique[:, 0],
        method=unique[:, 1],
        video_id=unique[:, 2],
        identity=at.identity[first],
        label=at.label[first],
        score=_per_group(frames.score, of_face, combine(aggregation)),
        evidence={
            name: _per_group(part, of_face, np.mean) for name, part in frames.evidence.items()
        },
        frames=np.bincount(distinct),
        faces=np.bincount(of_face),
        status=np.full(len(unique), OK),
        of_face=of_face,
    )


def with_missing(videos: VideoScores, missing: MissingVideos, no_face: float | None) -> VideoScores:
    """Adds the videos without a face; all are sorted.

    Args:
        videos: with faces.
        missing: without a face.
        no_face: score of a readable video without a face; None for no score. An unreadable video
            never has a score.
    """
    names = [
        np.append(videos.video_id, missing.video_id),
        np.append(videos.method, missing.method),
        np.append(videos.dataset, missing.dataset),
    ]
    order = np.lexsort(names)
    no_face_score = np.nan if no_face is None else no_face
    zeros, nans = np.zeros(len(missing.label), np.int64), np.full(len(missing.label), np.nan)

    def column(with_face: np.ndarray, added: np.ndarray) -> np.ndarray:
        return np.append(with_face, added)[order]

    return VideoScores(
        dataset=column(videos.dataset, missing.dataset),
        method=column(videos.method, missing.method),
        video_id=column(videos.video_id, missing.video_id),
        identity=column(videos.identity, missing.identity),
        label=column(videos.label, missing.label),
        score=column(videos.score, np.where(missing.status == NO_FACE, no_face_score, np.nan)),
        evidence={name: column(part, nans) for name, part in videos.evidence.items()},
        frames=column(videos.frames, zeros),
        faces=column(videos.faces, zeros),
        status=column(videos.status, missing.status),
        of_face=np.argsort(order)[videos.of_face],
    )


def scored(videos: VideoScores) -> np.ndarray:
    """The videos that count in the metrics, bool [v]: those with a score and a known label."""
    return np.isfinite(videos.score) & (videos.label != schema.UNKNOWN)


def against_reals(videos: VideoScores, manipulation: str) -> np.ndarray:
    """The fakes of one manipulation and all reals, bool [v]."""
    fakes = (videos.label == schema.FAKE) & (videos.method == manipulation)
    return (videos.label == schema.REAL) | fakes


def combine(aggregation: Aggregation) -> Callable[[np.ndarray], np.floating]:
    """The function that combines scores, float [n] with n > 0, into one."""
    match aggregation:
        case "mean":
            return np.mean
        case "median":
            return np.median
        case "max":
            return np.max
        case "mean_logit":
            return _mean_logit


def chosen_rows(index: Index, rows: np.ndarray) -> Index:
    """The entries of these rows, in their order."""
    return Index(*(column[rows] for column in index))


def _mean_logit(scores: np.ndarray) -> np.floating:
    """The probability of the mean logit."""
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("the mean of logits needs probabilities")
    return expit(logit(np.clip(scores, _CLIP, 1 - _CLIP)).mean())


def _per_group(
    values: np.ndarray, group: np.ndarray, reduce: Callable[[np.ndarray], np.floating]
) -> np.ndarray:
    """The values [n] of each group reduced to one, float64 [g]; no group is empty."""
    ordered = values[np.argsort(group, kind="stable")]
    ends = np.cumsum(np.bincount(group))
    starts = np.append(0, ends)[:-1]
    parts = zip(starts, ends, strict=True)
    return np.array([reduce(ordered[start:end]) for start, end in parts], np.float64)


def _check_labels(at: Index, first: np.ndarray, of_face: np.ndarray) -> None:
    mixed = np.flatnonzero(at.label != at.label[first][of_face])
    if len(mixed):
        n = mixed[0]
        name = f"{at.dataset[n]}/{at.method[n]}/{at.video_id[n]}"
        raise InputError(f"video {name} has both real and fake faces: prepare the dataset again")
