"""A supersampled canvas: polygons, discs, pen strokes and clipped layers, then shrunk."""

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np

from jaxfake.data.toyfaces.curves import strokes
from jaxfake.data.toyfaces.palette import Colour

SUPERSAMPLE = 3
"""Canvas pixels for each pixel of the crop, each way; the canvas itself is not anti-aliased."""

_BITS = 4
_FIXED = SUPERSAMPLE << _BITS
_HALF = (SUPERSAMPLE - 1) / 2


@dataclasses.dataclass(frozen=True)
class Stroke:
    """A tapering pen stroke along a smooth curve."""

    points: np.ndarray  # [4, 2], crop pixels
    width: float  # greatest half width, crop pixels
    colour: Colour
    taper: tuple[float, float, float, float] = (0.25, 0.9, 1.0, 0.3)


class Canvas:
    """Addressed in crop pixels (centre of the first pixel at 0). RGB and, fourth, coverage."""

    def __init__(self, pixels: np.ndarray, origin: tuple[int, int] = (0, 0)) -> None:
        """Paints on `pixels`, uint8 [h, w, 4]; `origin` is its first pixel on the whole canvas."""
        self.pixels = pixels
        # The half makes cutting off the fraction round to the nearest.
        self._shift = (_HALF - np.array(origin)) * (1 << _BITS) + 0.5

    def fill(self, outline: np.ndarray, colour: Colour) -> None:
        """Fill the polygon [n, 2]."""
        cv2.fillPoly(self.pixels, [self._fixed(outline)], (*colour, 255.0), shift=_BITS)

    def flood(self, colour: Colour) -> None:
        """Fill everything."""
        self.pixels[:] = np.array((*colour, 255.0), np.uint8)

    def disc(self, centre: np.ndarray, radius: float, colour: Colour) -> None:
        x, y = self._fixed(centre).tolist()
        cv2.circle(self.pixels, (x, y), round(radius * _FIXED), (*colour, 255.0), -1, shift=_BITS)

    def draw(self, pens: list[Stroke]) -> None:
        """Draw the strokes one above the other, in order."""
        widths = np.array([pen.taper for pen in pens]) * np.array([[pen.width] for pen in pens])
        outlines = self._fixed(strokes(np.array([pen.points for pen in pens]), widths))
        for outline, pen in zip(outlines, pens, strict=True):
            cv2.fillPoly(self.pixels, [outline], (*pen.colour, 255.0), shift=_BITS)

    def clipped(self, outline: np.ndarray, paint: Callable[["Canvas"], None]) -> None:
        """Let `paint` paint, but keep only what falls into the polygon [n, 2]."""
        corners = self._fixed(outline) >> _BITS
        x, y = np.maximum(corners.min(axis=0), 0).tolist()
        right, bottom = (corners.max(axis=0) + 2).tolist()
        window = self.pixels[y:bottom, x:right]
        layer = Canvas(window.copy(), (x, y))
        stencil = np.zeros(window.shape[:2], np.uint8)
        cv2.fillPoly(stencil, [layer._fixed(outline)], 255, shift=_BITS)
        paint(layer)
        cv2.copyTo(layer.pixels, stencil, window)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        """Crop pixels to OpenCV's fixed-point coordinates."""
        return (points * _FIXED + self._shift).astype(np.int32)


def blank(background: np.ndarray, size: int) -> Canvas:
    """A canvas for a crop of `size` pixels: `background` (uint8 RGB) blown up, coverage 0."""
    small = cv2.resize(background, (size, size), interpolation=cv2.INTER_CUBIC)
    pixels = cv2.cvtColor(small, cv2.COLOR_RGB2RGBA)
    pixels[..., 3] = 0
    side = size * SUPERSAMPLE
    return Canvas(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_NEAREST))


def shrunk(canvas: Canvas, size: int) -> np.ndarray:
    """The finished picture at the crop's size, uint8 [H, W, 4]."""
    return cv2.resize(canvas.pixels, (size, size), interpolation=cv2.INTER_AREA)
