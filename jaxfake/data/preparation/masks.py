"""What was touched in a crop: out of the dataset's mask, or from the difference to the original frame.

A derived mask is no ground truth of the forger's: compression differs everywhere a little, and a forgery
may leave pixels as they were. The grey difference over 0.1 is common in the field; the cleaning is our
choice. It is off unless asked for, and called derived wherever it is used.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.faces import align, clip, video
from jaxfake.faces.media import Unreadable

THRESHOLD = 0.1
"""Usual difference of grey, as a share of the full range, from which on a pixel is called touched."""

_GIVEN = 1
"""Pixels of a mask video above this are touched, as DeepfakeBench reads them; compression blurs it."""

_BLUR, _OPEN, _CLOSE = 0.01, 0.02, 0.08
"""Of the side: spread of the smoothing, size of specks that go, width of gaps that are closed."""

_MOST = 0.6
"""Of the area: a forgery leaves hair and background of an aligned crop as they were."""

_SMALLEST = 0.005
"""Of the area: what is smaller than this and by itself is no touched region."""


MaskOf = Callable[[video.Frame, align.Crop], np.ndarray | None]
"""A frame and its crop to the crop's mask, uint8 [size, size]; None if nobody knows."""


def reader(source: SourceFile, indices: list[int], size: int, threshold: float | None) -> MaskOf:
    """What says where the crops of a video were touched; to be asked in the order of the frames.

    Args:
        source: the video.
        indices: of the frames that will come.
        size: of the crops.
        threshold: of a derived mask, where none is given; None for none.
    """
    if source.mask is not None:
        given = Alongside(source.mask, indices)
        return lambda frame, crop: _cut(given.at(frame.number), frame, crop, size)
    if source.original is not None and threshold is not None:
        original = Alongside(source.original, indices)
        return lambda frame, crop: _derive(original.at(frame.number), frame, crop, threshold)
    return unknown


def unknown(frame: video.Frame, crop: align.Crop) -> None:
    """Nobody knows where this crop was touched."""
    del frame, crop


def _cut(
    picture: np.ndarray | None, frame: video.Frame, crop: align.Crop, size: int
) -> np.ndarray | None:
    if picture is None or picture.shape != frame.image.shape:
        return None
    return given_mask(picture, crop.matrix, size)


def _derive(
    picture: np.ndarray | None, frame: video.Frame, crop: align.Crop, threshold: float
) -> np.ndarray | None:
    if picture is None or picture.shape != frame.image.shape:
        return None
    other = align.warp(picture, crop.matrix, len(crop.image))
    return derived_mask(crop.image, other, threshold)


class Alongside:
    """Frames of a second video by the numbers of the first one's, asked for in ascending order."""

    def __init__(self, path: Path, indices: list[int]) -> None:
        self._frames: Iterator[video.Frame] = clip.read_frames(path, indices)
        self._next = self._read()

    def at(self, number: int) -> np.ndarray | None:
        """uint8 [H, W, 3], RGB; None where the second video has no such frame, or is no video."""
        while self._next is not None and self._next.number < number:
            self._next = self._read()
        if self._next is None or self._next.number != number:
            return None
        return self._next.image

    def _read(self) -> video.Frame | None:
        try:
            return next(self._frames, None)
        except (Unreadable, OSError, cv2.error):
            return None


def given_mask(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """A frame of a mask video, uint8 [H, W, 3], in the crop: uint8 [size, size], 0 or 255."""
    touched = np.where(picture.max(axis=2) > _GIVEN, 255, 0).astype(np.uint8)
    return align.warp_mask(touched, matrix, size)


def derived_mask(crop: np.ndarray, original: np.ndarray, threshold: float) -> np.ndarray | None:
    """Where a crop differs from the same crop of the original frame: uint8 [size, size], 0 or 255.

    Smoothed, cut at the threshold, specks taken out, gaps closed, holes filled, small islands dropped.
    None if nothing is left, as when compression hides the forgery, or nearly everything, as when the
    frames are not of the same moment.

    Args:
        crop: uint8 [size, size, 3].
        original: the same.
        threshold: difference of grey as a share of the full range.
    """
    size = len(crop)
    ours, theirs = (
        cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32) for one in (crop, original)
    )
    smooth = cv2.GaussianBlur(cv2.absdiff(ours, theirs), (0, 0), max(_BLUR * size, 0.5))
    touched: Any = (smooth > threshold * 255).astype(np.uint8)
    touched = cv2.morphologyEx(touched, cv2.MORPH_OPEN, _disc(_OPEN * size))
    touched = cv2.morphologyEx(touched, cv2.MORPH_CLOSE, _disc(_CLOSE * size))
    regions = _regions(touched, _SMALLEST * size**2)
    return regions if 0 < (regions > 0).mean() < _MOST else None


def _regions(touched: np.ndarray, smallest: float) -> np.ndarray:
    """The outlines of at least that area, filled."""
    filled = np.zeros_like(touched)
    outlines, _ = cv2.findContours(touched, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        if cv2.contourArea(outline) >= smallest:
            cv2.drawContours(filled, [outline], -1, 255, cv2.FILLED)
    return filled


def _disc(across: float) -> np.ndarray:
    side = max(round(across) // 2 * 2 + 1, 3)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
