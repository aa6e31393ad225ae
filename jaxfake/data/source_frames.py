"""Finds the source frames of crops, where the source files still exist."""

import cv2
import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.layouts.listing import Listing
from jaxfake.faces import clip
from jaxfake.faces.media import Unreadable


class SourceFrames:
    """Finds the frame of each example of a dataset in the files that it was prepared from."""

    def __init__(self, listing: Listing) -> None:
        self._paths = {(file.method, file.video_id): file.clip for file in listing.files}

    def of(self, faces: FaceDataset, row: int) -> np.ndarray | None:
        """The frame of an example, uint8 [H, W, 3], RGB; None if the file is missing or unreadable."""
        at = faces.index
        path = self._paths.get((str(at.method[row]), str(at.video_id[row])))
        if path is None:
            return None
        try:
            return _frame(path, int(at.frame[row]))
        except (Unreadable, OSError, cv2.error):
            return None


def _frame(source: clip.Clip, number: int) -> np.ndarray | None:
    found = next(clip.read_numbered(source, [number]), None)
    return None if found is None else found.image
