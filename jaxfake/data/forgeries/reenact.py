"""Reenactment: one part of a face moved as by an expression, with a thin-plate spline of the landmarks."""

import cv2
import numpy as np

from jaxfake.data.forgeries import region, warps
from jaxfake.data.forgeries.forgery import Face, Source

EXPRESSIONS = ("smile", "brows", "gaze", "mouth_open")

_AMOUNT = (0.5, 1.0)
"""Range of how far an expression goes, at full strength."""

_GRID = 24
"""Places on each side at which the spline is computed; between them it is interpolated."""

_STIFF = 1e-6
"""Smoothing of the spline, so that points which coincide do not break it."""

_SOFT = (0.04, 0.09)
_GROWN = (0.20, 0.30)
"""Wide: a place that moves must not be seen twice in a faint share."""


def make(rng: np.random.Generator, face: Face, donor: Face | None, strength: float) -> Source:
    """The face with one part moved; `donor` is not used."""
    del donor
    size, unit = len(face.image), region.unit_of(face.landmarks)
    expression = EXPRESSIONS[rng.integers(len(EXPRESSIONS))]
    amount = strength * rng.uniform(*_AMOUNT)
    points, offsets = _moves(rng, face.landmarks.astype(np.float64), expression)
    offsets *= amount * unit
    away = np.abs(offsets).max(axis=1) > 0
    around = np.concatenate([points[away], (points + offsets)[away]]).astype(np.float32)
    share = region.draw_share(rng, around, size, unit, _SOFT, _GROWN)
    places = warps.identity(size) - _spline(points + offsets, offsets, size)
    image = warps.taken_from(face.image.astype(np.float32), places)
    landmarks = face.landmarks + offsets[: len(face.landmarks)].astype(np.float32)
    return Source(image, share, landmarks, {"expression": expression, "amount": amount})


def _moves(
    rng: np.random.Generator, landmarks: np.ndarray, expression: str
) -> tuple[np.ndarray, np.ndarray]:
    """Points that are held or moved, and by how much in units: the landmarks first, then others, [n, 2]."""
    offsets = np.zeros_like(landmarks)
    across = landmarks[45] - landmarks[36]
    across /= max(np.linalg.norm(across), 1e-6)
    up = np.array([across[1], -across[0]])
    if expression == "gaze":
        pupils = np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)])
        look = rng.choice([-1, 1]) * 0.10 * across + rng.uniform(-0.03, 0.03) * up
        return np.concatenate([landmarks, pupils]), np.concatenate([offsets, [look, look]])
    if expression == "smile":
        sign = rng.choice([-1, 1])  # or its opposite
        for indices, weight in (((48, 60), 1.0), ((49, 59), 0.5)):
            offsets[list(indices)] = weight * (sign * 0.10 * up - 0.10 * across)
        for indices, weight in (((54, 64), 1.0), ((53, 55), 0.5)):
            offsets[list(indices)] = weight * (sign * 0.10 * up + 0.10 * across)
    elif expression == "brows":
        which = (slice(17, 27), slice(17, 22), slice(22, 27))[rng.integers(3)]
        offsets[which] = rng.choice([-0.12, 0.16]) * up
    else:
        offsets[[55, 56, 57, 58, 59, 65, 66, 67]] = -0.20 * up
        offsets[[54, 48]] = -0.05 * up
    return landmarks, offsets


def _spline(points: np.ndarray, offsets: np.ndarray, size: int) -> np.ndarray:
    """The thin-plate spline through offsets at points, 0 at the crop's border: float32 [size, size, 2]."""
    from scipy.interpolate import RBFInterpolator  # as with Delaunay in `warps`

    at = np.linspace(0, size - 1, 5)
    border = np.array([(x, y) for x in at for y in at if x in at[[0, -1]] or y in at[[0, -1]]])
    held = np.concatenate([points, border]) / size
    values = np.concatenate([offsets, np.zeros_like(border)])
    spline = RBFInterpolator(held, values, smoothing=_STIFF, kernel="thin_plate_spline")
    # The grid's places are the centres of its cells, as cv2.resize has them.
    cells = (np.arange(_GRID) + 0.5) / _GRID - 0.5 / size
    x, y = np.meshgrid(cells, cells)
    coarse = spline(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(_GRID, _GRID, 2)
    return cv2.resize(coarse.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
