"""Random geometry of a training face: one draw changes image, landmarks and forgery mask alike."""

import dataclasses

import cv2
import numpy as np

from jaxfake.faces import ibug68
from jaxfake.schema import Example


@dataclasses.dataclass(frozen=True)
class View:
    """A square part of a crop, possibly mirrored, enlarged to the size of the crop."""

    left: int
    top: int
    side: int
    mirrored: bool


def draw_view(rng: np.random.Generator, size: int, smallest: float) -> View:
    """A random square of side `smallest` to 1 times `size`, mirrored half of the time."""
    side = int(rng.integers(round(size * smallest), size + 1))
    left, top = (int(v) for v in rng.integers(0, size - side + 1, 2))
    return View(left, top, side, bool(rng.integers(2)))


def apply_view(example: Example, view: View) -> Example:
    """The example in a view. `matrix` stays that of the whole crop."""
    size = example.image.shape[0]
    image = _enlarged(example.image, view, cv2.INTER_LINEAR)
    mask = _enlarged(example.forgery_mask, view, cv2.INTER_NEAREST_EXACT)
    scale = size / view.side
    origin = np.array([view.left, view.top], np.float32)
    # Pixel centres are at whole numbers, so the scaling applies to the distance to the outer edge, -0.5.
    landmarks = ((example.landmarks - origin + 0.5) * scale - 0.5).astype(np.float32)
    if view.mirrored:
        image, mask = cv2.flip(image, 1), cv2.flip(mask, 1)
        landmarks = ibug68.flip(landmarks, size)
    return example._replace(image=image, landmarks=landmarks, forgery_mask=mask)


def _enlarged(pixels: np.ndarray, view: View, interpolation: int) -> np.ndarray:
    part = pixels[view.top : view.top + view.side, view.left : view.left + view.side]
    if view.side == pixels.shape[0]:
        return part
    return cv2.resize(part, pixels.shape[:2][::-1], interpolation=interpolation)
