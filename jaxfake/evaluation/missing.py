"""Videos of a prepared dataset that gave no face: they are counted, not forgotten."""

from typing import NamedTuple

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation import coverage

OK, NO_FACE, UNREADABLE = "ok", "no_face", "unreadable"
"""Status of a video in `scores.csv`; the last is followed by ': why'."""


class MissingVideos(NamedTuple):
    """Videos (or photographs) of the scored split without a single face, u of them."""

    dataset: np.ndarray  # str [u]
    method: np.ndarray  # str [u]
    video_id: np.ndarray  # str [u]
    identity: np.ndarray  # str [u]
    label: np.ndarray  # int32 [u], 0 real, 1 fake, -1 unknown
    status: np.ndarray  # str [u]: NO_FACE, or UNREADABLE and why


def missing_videos(dataset: FaceDataset) -> MissingVideos:
    """What coverage.json says was there and gave no face; a dataset without that file misses none."""
    found = coverage.read(dataset.folder.resolve().parent.parent)  # OUT of OUT/folder/1.0.0
    names = dataset.index.dataset
    if found is None or (len(names) and found.dataset not in names):
        return columns([])
    return columns(
        [
            (
                found.dataset,
                entry["method"],
                entry["video_id"],
                entry["identity"],
                entry["label"],
                entry["status"],
            )
            for entry in found.files
            if entry.get("split") == dataset.split and _without_face(entry["status"])
        ]
    )


def columns(rows: list[tuple[str, str, str, str, int, str]]) -> MissingVideos:
    """Rows of dataset, method, video, identity, label, status as columns."""

    def texts(n: int) -> np.ndarray:
        return np.array([row[n] for row in rows], np.str_)

    labels = np.array([row[4] for row in rows], np.int32)
    return MissingVideos(texts(0), texts(1), texts(2), texts(3), labels, texts(5))


def _without_face(status: str) -> bool:
    return status == NO_FACE or status.startswith(UNREADABLE)
