"""From faces to videos, and the two score files.

A video is named by (dataset, method, video_id), never by its id alone: the four manipulations of
FaceForensics++ and its originals share their ids, and grouping by id makes one video of five.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.errors import InputError
from jaxfake.files import write_atomically
from jaxfake.scoring.predict import FrameScores

AGGREGATION = "mean over the faces of a video"


class VideoScores(NamedTuple):
    """One entry per video, sorted by dataset, method, video."""

    dataset: np.ndarray  # str [v]
    method: np.ndarray  # str [v]
    video_id: np.ndarray  # str [v]
    label: np.ndarray  # int32 [v], 0 real, 1 fake, -1 unknown
    score: np.ndarray  # float64 [v], mean over the video's faces
    evidence: dict[str, np.ndarray]  # float64 [v] per name, likewise
    frames: np.ndarray  # int64 [v], distinct frames
    faces: np.ndarray  # int64 [v], scored faces
    of_face: np.ndarray  # int64 [n], the video of each scored face


def per_video(index: Index, frames: FrameScores) -> VideoScores:
    """Averages the scores of each video's faces.

    Raises:
        InputError: the faces of one video have different labels.
    """
    at = _chosen(index, frames.rows)
    names = np.stack([at.dataset, at.method, at.video_id], axis=1)
    unique, first, of_face = np.unique(names, axis=0, return_index=True, return_inverse=True)
    faces = np.bincount(of_face)
    _check_labels(at, first, of_face)
    distinct = np.unique(np.stack([of_face, at.frame], axis=1), axis=0)[:, 0]

    def mean(scores: np.ndarray) -> np.ndarray:
        return np.bincount(of_face, weights=scores) / faces

    return VideoScores(
        dataset=unique[:, 0],
        method=unique[:, 1],
        video_id=unique[:, 2],
        label=at.label[first],
        score=mean(frames.score),
        evidence={name: mean(scores) for name, scores in frames.evidence.items()},
        frames=np.bincount(distinct),
        faces=faces,
        of_face=of_face,
    )


def write_frames(path: Path, index: Index, frames: FrameScores) -> None:
    """`frames.csv`, sorted; `face` counts the faces of one frame in stored order."""
    at = _chosen(index, frames.rows)
    order = np.lexsort((frames.rows, at.frame, at.video_id, at.method, at.dataset))
    rows: list[tuple[Any, ...]] = []
    last, face = None, 0
    for n in order:
        place = (str(at.dataset[n]), str(at.method[n]), str(at.video_id[n]), int(at.frame[n]))
        face = face + 1 if place == last else 0
        last = place
        rows.append((*place, face, _label(at.label[n]), _number(frames.score[n])))
    write_atomically(path, _csv(schema.FRAME_COLUMNS, rows))


def write_scores(path: Path, videos: VideoScores) -> None:
    """`scores.csv`; every video here has a face, so the status of each is `ok`."""
    rows = zip(
        videos.dataset,
        videos.method,
        videos.video_id,
        map(_label, videos.label),
        map(_number, videos.score),
        videos.frames,
        videos.faces,
        ["ok"] * len(videos.score),
        strict=True,
    )
    write_atomically(path, _csv(schema.SCORE_COLUMNS, rows))


def _chosen(index: Index, rows: np.ndarray) -> Index:
    return Index(*(column[rows] for column in index))


def _check_labels(at: Index, first: np.ndarray, of_face: np.ndarray) -> None:
    mixed = np.flatnonzero(at.label != at.label[first][of_face])
    if len(mixed):
        n = mixed[0]
        name = f"{at.dataset[n]}/{at.method[n]}/{at.video_id[n]}"
        raise InputError(f"video {name} holds both real and fake faces: prepare the dataset again")


def _csv(columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _label(label: int) -> str:
    return "" if label == schema.UNKNOWN else str(label)


def _number(score: float) -> str:
    return f"{score:.9g}"  # all that a float32 holds
