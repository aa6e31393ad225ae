"""From a decoded frame to the picture that a player shows: square pixels, upright, not mirrored."""

import cv2
import numpy as np

from jaxfake.faces.media import Unreadable

_ALMOST_SQUARE = 0.01
"""Pixels that differ from squares by less stay as they are; rounding in containers is of that size."""

_MOST_STRETCH = 4.0
"""Pixels of old tapes are up to 1.8 times as wide as high; more than this is a mistake. Our choice."""


def square_size(
    width: int, height: int, pixel_width: float, pixel_height: float
) -> tuple[int, int]:
    """Width and height of a frame with square pixels: the shorter side of a pixel is stretched.

    Args:
        width, height: of the stored frame.
        pixel_width, pixel_height: shape of a pixel, in any unit; 0 if unknown, which counts as square.

    Raises:
        Unreadable: no camera has such pixels.
    """
    if pixel_width <= 0 or pixel_height <= 0:
        return width, height
    ratio = pixel_width / pixel_height
    if not 1 / _MOST_STRETCH <= ratio <= _MOST_STRETCH:
        raise Unreadable(f"its pixels are {pixel_width:g}:{pixel_height:g}, which no camera makes")
    if abs(ratio - 1) < _ALMOST_SQUARE:
        return width, height
    return (round(width * ratio), height) if ratio > 1 else (width, round(height / ratio))


def shown(frame: np.ndarray, size: tuple[int, int], axes: np.ndarray) -> np.ndarray:
    """A stored frame as it is to be seen.

    Args:
        frame: uint8 [H, W, 3].
        size: width and height with square pixels, before it is turned.
        axes: see `containers.display_matrix`.
    """
    if size != (frame.shape[1], frame.shape[0]):
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
    if axes[0, 0] == 0:
        frame = frame.transpose(1, 0, 2)
    if axes[:, 0].sum() < 0:
        frame = frame[:, ::-1]
    if axes[:, 1].sum() < 0:
        frame = frame[::-1]
    return np.ascontiguousarray(frame)
