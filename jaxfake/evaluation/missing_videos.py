"""Videos of a prepared dataset in which no face was found, so that results can count them."""

import dataclasses

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation import coverage

OK, NO_FACE, UNREADABLE = "ok", "no_face", "unreadable"
"""Status of a video in `scores.csv`; the last is followed by ': ' and the reason."""


@dataclasses.dataclass(frozen=True, eq=False)
class MissingVideos:
    """Videos (or photographs) of the scored split without any face, u of them."""

    dataset: np.ndarray  # str [u]
    method: np.ndarray  # str [u]
    video_id: np.ndarray  # str [u]
    identity: np.ndarray  # str [u]
    label: np.ndarray  # int32 [u], 0 real, 1 fake, -1 unknown
    status: np.ndarray  # str [u]: NO_FACE, or UNREADABLE with the reason


def missing_videos(dataset: FaceDataset) -> MissingVideos:
    """The videos without a face in coverage.json; none for a dataset without that file.

    Raises:
        InputError: the file is damaged.
    """
    found = coverage.load(dataset.folder.resolve().parent.parent)  # OUT of OUT/folder/1.0.0
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
    """From rows (dataset, method, video, identity, label, status) to columns."""

    def texts(n: int) -> np.ndarray:
        return np.array([row[n] for row in rows], np.str_)

    labels = np.array([row[4] for row in rows], np.int32)
    return MissingVideos(texts(0), texts(1), texts(2), texts(3), labels, texts(5))


def _without_face(status: str) -> bool:
    return status == NO_FACE or status.startswith(UNREADABLE)
