"""Smooth curves through given points (Catmull-Rom), and strokes of varying width along them."""

from functools import cache

import numpy as np

SAMPLES = 5
"""Points drawn for each span between two given points."""

_QUARTER_TURN = np.array([-1.0, 1.0])


def closed(points: np.ndarray) -> np.ndarray:
    """The closed curve through `points`, float [n, 2] -> [n * SAMPLES, 2]."""
    return _closed_basis(len(points)) @ points


def rounded(points: np.ndarray, share: float) -> np.ndarray:
    """Between the polygon (`share` 0) and the closed curve (1) through `points`."""
    round_part, count = min(max(share, 0.0), 1.0), len(points)
    return (round_part * _closed_basis(count) + (1 - round_part) * _straight_basis(count)) @ points


def opened(points: np.ndarray) -> np.ndarray:
    """The curve from the first to the last of `points`, [..., n, 2] -> [..., (n-1) * SAMPLES + 1, 2]."""
    return _open_basis(points.shape[-2]) @ points


def strokes(points: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Outlines of pen strokes along curves.

    Args:
        points: float [S, n, 2], given points of each of S curves.
        widths: float [S, n], half the width of the stroke at each given point.

    Returns:
        float [S, 2 * m, 2], one closed outline a curve.
    """
    count = points.shape[1]
    line, half = _open_basis(count) @ points, widths @ _open_basis(count).T
    along = _slope_basis(count) @ points
    half /= np.hypot(along[..., 0], along[..., 1]) + 1e-9
    across = along[..., ::-1] * _QUARTER_TURN
    across *= half[..., None]
    return np.concatenate([line + across, (line - across)[:, ::-1]], axis=1)


def _weights() -> np.ndarray:
    """Catmull-Rom weights of the four neighbouring points, [SAMPLES, 4]."""
    t = np.arange(SAMPLES)[:, None] / SAMPLES
    powers = np.concatenate([t**0, t, t**2, t**3], axis=1)
    return powers @ (0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]))


@cache
def _closed_basis(count: int) -> np.ndarray:
    basis = np.zeros((count * SAMPLES, count))
    for span in range(count):
        for column, weight in enumerate(_weights().T):
            rows = slice(span * SAMPLES, (span + 1) * SAMPLES)
            basis[rows, (span + column - 1) % count] += weight
    return basis


@cache
def _straight_basis(count: int) -> np.ndarray:
    basis = np.zeros((count * SAMPLES, count))
    for row in range(count * SAMPLES):
        span, part = divmod(row, SAMPLES)
        basis[row, span] += 1 - part / SAMPLES
        basis[row, (span + 1) % count] += part / SAMPLES
    return basis


@cache
def _open_basis(count: int) -> np.ndarray:
    basis = np.zeros(((count - 1) * SAMPLES + 1, count))
    for span in range(count - 1):
        rows = slice(span * SAMPLES, (span + 1) * SAMPLES)
        for column, weight in enumerate(_weights().T):
            basis[rows, min(max(span + column - 1, 0), count - 1)] += weight
    basis[-1, -1] = 1
    return basis


@cache
def _slope_basis(count: int) -> np.ndarray:
    """Differences of neighbouring points of the open curve."""
    basis = _open_basis(count)
    return np.gradient(basis, axis=0)
