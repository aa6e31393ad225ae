"""What the probes look at: descriptions of a face that cannot relate its parts, or hardly.

Each takes the crop, uint8 [H, W, 3], and its landmarks, float [68, 2], and gives float [f], equally many
numbers for every face; without landmarks they may be NaN. The choice and all sizes are ours.
"""

from collections.abc import Callable

import cv2
import numpy as np

Describe = Callable[[np.ndarray, np.ndarray], np.ndarray]

CELLS = 8
"""The face is described on a grid of so many cells each way."""

_BAND = (20, 8)
"""Width and height to which the crop of one part is shrunk."""

_WINDOWS = 10
"""Windows along each side of the crop whose content is described without their place."""

_LEVELS = (5, 25, 50, 75, 95)
"""Percentiles over the windows."""

_BANDS = {"eyes": (0.30, 0.52), "cheek & nose": (0.54, 0.68), "lips": (0.70, 0.92)}
"""Where an aligned crop shows each part: from and to, in crop heights."""


def asymmetry(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """How the right half differs from the mirrored left one, with and without sign, cell by cell."""
    grey = _grey(image)
    difference = grey - grey[:, ::-1]
    left = np.s_[:, : CELLS // 2]
    return np.concatenate(
        [_cells(difference)[left].ravel(), _cells(np.abs(difference))[left].ravel()]
    )


def high_frequencies(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Log energy above a Gaussian of one pixel, by cell."""
    return np.log(_cells(_fine(image)) + 1e-2).ravel()


def colours(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Mean and spread of the colour channels, by part."""
    parts = [cv2.meanStdDev(_band(image, *rows)) for rows in _BANDS.values()]
    return np.concatenate([np.concatenate(mean_and_spread) for mean_and_spread in parts]).ravel()


def one_part(part: str) -> Describe:
    """The pixels of one part alone, shrunk."""
    rows = _BANDS[part]

    def describe(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        shrunk = cv2.resize(_band(image, *rows), _BAND, interpolation=cv2.INTER_AREA)
        return shrunk.astype(np.float32).ravel()

    return describe


def windows(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Statistics of small windows, wherever they are: brightness, contrast, colour, edges, fine detail."""
    grey = _grey(image)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    squares = grey * grey
    maps = (grey, squares, _saturation(image), np.abs(across), np.abs(down), np.hypot(across, down))
    mean, square, *others = (_cells(one, _WINDOWS) for one in maps)
    contrast = np.sqrt(np.maximum(square - mean * mean, 0))
    fine = np.log(_cells(_fine(image), _WINDOWS) + 1e-2)
    return np.percentile([mean, contrast, fine, *others], _LEVELS, axis=(1, 2)).ravel()


def landmarks_only(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Landmarks, moved and scaled to a common box."""
    middle, spread = landmarks.mean(axis=0), landmarks.std() + 1e-6
    return ((landmarks - middle) / spread).astype(np.float32).ravel()


PROBES: dict[str, Describe] = {
    "asymmetry": asymmetry,
    "high frequencies": high_frequencies,
    "colours of the parts": colours,
    "eyes alone": one_part("eyes"),
    "cheek & nose alone": one_part("cheek & nose"),
    "lips alone": one_part("lips"),
    "small windows": windows,
    "landmarks": landmarks_only,
}


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _saturation(image: np.ndarray) -> np.ndarray:
    """The largest minus the smallest channel; numpy takes 40 times as long."""
    red, green, blue = cv2.split(image)
    return cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)


def _fine(image: np.ndarray) -> np.ndarray:
    grey = _grey(image)
    return (grey - cv2.GaussianBlur(grey, (0, 0), 1.0)) ** 2


def _cells(values: np.ndarray, cells: int = CELLS) -> np.ndarray:
    """The mean over each cell of a grid, float32 [cells, cells]."""
    return cv2.resize(values.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)


def _band(image: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """The rows of a part over the width of the face."""
    side = len(image)
    return image[round(top * side) : round(bottom * side), round(0.2 * side) : round(0.8 * side)]
