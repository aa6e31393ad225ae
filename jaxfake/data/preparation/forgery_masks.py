"""Forgery masks of crops: from the dataset's mask, or derived from the difference to the original frame.

A derived mask is not ground truth: compression changes pixels everywhere a little, and a forgery may leave
pixels unchanged. A grey difference over 0.1 is common in the field; how the mask is cleaned is our choice.
Derived masks are off by default, and called derived wherever they are used.
"""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.faces import align, clip, video
from jaxfake.faces.media import Unreadable

THRESHOLD = 0.1
"""Usual difference of grey, as a share of the full range, from which a pixel counts as manipulated."""

_GIVEN = 1
"""Pixels of a mask video above this are manipulated, as in DeepfakeBench; compression blurs the mask."""

_BLUR, _OPEN, _CLOSE = 0.01, 0.02, 0.08
"""As shares of the side: spread of the smoothing, size of removed specks, width of closed gaps."""

ALIGNED = 0.92
"""Least correlation outside of the face of a fake and its original. Our choice, measured on DFDC's faces:
0.93 to 1.00 for 3,099 pairs, at most 0.85 for 119 other pictures, 0.82 (median) if moved by 3 %."""

_SAME_GREY = 3.0
"""Levels of grey by which compression alone changes a picture."""

_LEAST_OUTSIDE = 0.01
"""Smallest share of a crop outside of the face by which two pictures can be compared."""

_MOST = 0.6
"""Largest share of the area: a forgery leaves hair and background of an aligned crop unchanged."""

_SMALLEST = 0.005
"""Smallest share of the area: a smaller region by itself does not count as manipulated."""


class MaskReader:
    """Gives the forgery masks of a file's crops; ask it in the order of the frames.

    Attributes:
        refusal: why it could not use the mask or the original of a frame, the first such reason; '' if
            it could always.
    """

    def __init__(
        self, source: SourceFile, indices: list[int], size: int, threshold: float | None
    ) -> None:
        """Opens the mask or the original, whichever comes first and has the frames of the file.

        Args:
            source: the photograph, video or clip.
            indices: of the frames that it will be asked for.
            size: of the crops.
            threshold: of derived masks, where no mask is given; None for no derived masks.
        """
        self.refusal = ""
        self._size, self._threshold = size, threshold
        self._name, self._second = "", None
        original = source.original if threshold is not None else None
        for name, beside in (("mask", source.mask), ("original", original)):
            if beside is not None and self._second is None:
                if _same_frames(source.clip, beside):
                    self._name, self._second = name, SecondVideo(beside, indices)
                else:
                    self.refusal = f"the frames of its {name} are not those of the file"

    def of(self, frame: video.Frame, crop: align.Crop) -> np.ndarray | None:
        """The mask of a crop, uint8 [size, size]; None if it is unknown."""
        if self._second is None:
            return None
        picture = self._second.at(frame.number)
        fault = self._fault(picture, frame, crop)
        if picture is None or fault:
            self.refusal = self.refusal or fault
            return None
        if self._name == "mask":
            return given_mask(picture, crop.matrix, self._size)
        assert self._threshold is not None
        other = align.warp(picture, crop.matrix, self._size)
        return derived_mask(crop.image, other, self._threshold)

    def _fault(self, picture: np.ndarray | None, frame: video.Frame, crop: align.Crop) -> str:
        """Why the mask or the original cannot be used for a frame; '' if it can."""
        name = f"its {self._name}"
        if picture is None:
            return f"{name} cannot be read, or has no such frame"
        if picture.shape != frame.image.shape:
            (height, width), (rows, columns) = picture.shape[:2], frame.image.shape[:2]
            return f"{name} has {width} x {height} pixels, the file {columns} x {rows}"
        if self._name == "mask":
            return ""
        found = likeness(crop, picture)
        if found < ALIGNED:
            return (
                f"{name} is another picture outside of the face: correlation {found:.3f}, at least "
                f"{ALIGNED} is needed"
            )
        return ""


def _same_frames(one: clip.Clip, other: clip.Clip) -> bool:
    """Whether the frames of the same number belong together.

    Two videos count from their first frame, and pictures by name were paired by whoever named them. Two
    folders of pictures must begin with the same names. A folder beside a video may hold only some of its
    frames, so it must have as many pictures as the video has frames.
    """
    if isinstance(one, tuple) or isinstance(other, tuple) or not (one.is_dir() or other.is_dir()):
        return True
    try:
        if one.is_dir() and other.is_dir():
            ours, theirs = ([path.stem for path in clip.pictures(each)] for each in (one, other))
            return theirs[: len(ours)] == ours
        return clip.count_frames(one) == clip.count_frames(other)
    except (Unreadable, OSError, cv2.error):
        return False


class SecondVideo:
    """Reads frames of a second video beside a first one, by the first one's numbers, in ascending order."""

    def __init__(self, source: clip.Clip, indices: list[int]) -> None:
        self._frames: Iterator[video.Frame] = clip.read_numbered(source, indices)
        self._next = self._read()

    def at(self, number: int) -> np.ndarray | None:
        """uint8 [H, W, 3], RGB; None if the second video has no such frame or is not readable."""
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


def likeness(crop: align.Crop, original: np.ndarray) -> float:
    """How much a crop looks like the same crop of its original outside of the face, -1 to 1.

    The correlation of the grey values there; 1 if they hardly differ, as in front of an even wall.

    Args:
        crop: of the fake.
        original: the original's frame, uint8 [H, W, 3].
    """
    size = len(crop.image)
    face = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(crop.landmarks).astype(np.int32)), 255)
    frame = np.full(original.shape[:2], 255, np.uint8)
    outside = (align.warp_mask(frame, crop.matrix, size) > 0) & (face == 0)
    ours, theirs = (
        cv2.cvtColor(one, cv2.COLOR_RGB2GRAY)[outside].astype(np.float64)
        for one in (crop.image, align.warp(original, crop.matrix, size))
    )
    if len(ours) < _LEAST_OUTSIDE * size**2:
        return -1.0
    if np.abs(ours - theirs).mean() < _SAME_GREY:
        return 1.0
    spread = ours.std() * theirs.std()
    return (
        float(((ours - ours.mean()) * (theirs - theirs.mean())).mean() / spread) if spread else -1.0
    )


def given_mask(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """A frame of a mask video, uint8 [H, W, 3], cropped: uint8 [size, size], 0 or 255."""
    manipulated = np.where(picture.max(axis=2) > _GIVEN, 255, 0).astype(np.uint8)
    return align.warp_mask(manipulated, matrix, size)


def derived_mask(crop: np.ndarray, original: np.ndarray, threshold: float) -> np.ndarray | None:
    """Where a crop differs from the same crop of the original frame: uint8 [size, size], 0 or 255.

    Smoothed, cut at the threshold, specks removed, gaps closed, holes filled, small regions dropped.
    None if nothing is left, because compression hides the forgery, or nearly everything, because the
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
    manipulated: Any = (smooth > threshold * 255).astype(np.uint8)
    manipulated = cv2.morphologyEx(manipulated, cv2.MORPH_OPEN, _disc(_OPEN * size))
    manipulated = cv2.morphologyEx(manipulated, cv2.MORPH_CLOSE, _disc(_CLOSE * size))
    regions = _regions(manipulated, _SMALLEST * size**2)
    return regions if 0 < (regions > 0).mean() < _MOST else None


def _regions(manipulated: np.ndarray, smallest: float) -> np.ndarray:
    """Regions of at least that area, with their holes filled."""
    filled = np.zeros_like(manipulated)
    outlines, _ = cv2.findContours(manipulated, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        if cv2.contourArea(outline) >= smallest:
            cv2.drawContours(filled, [outline], -1, 255, cv2.FILLED)
    return filled


def _disc(across: float) -> np.ndarray:
    side = max(round(across) // 2 * 2 + 1, 3)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
