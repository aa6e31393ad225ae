"""Tables of learned positions, resized to another number of patches."""

import numpy as np

_SHARP, _SMOOTH = -0.75, -0.5
"""The slope of the cubic kernel at 1, without and with smoothing, as torch has it."""


def resized(table: np.ndarray, grid: int, smooth: bool) -> np.ndarray:
    """The positions of `grid` patches a side, bicubic, as the codebases resize them before they encode.

    Centres of patches keep their place in the picture. Without `smooth`, what lies beyond the edge is the
    edge (DINOv2, CLIP and ViT of Hugging Face; the slope of the kernel is -0.75). With it, the kernel
    is as wide as a patch of the coarser of the two grids, and is cut off at the edge (timm; -0.5).

    Args:
        table: float64 [n * n, D], of n patches a side, by rows.
        grid: patches a side that are wanted.
        smooth: whether to smooth where the table shrinks.

    Returns:
        float64 [grid * grid, D]; the table itself if n is `grid`.
    """
    n = round(len(table) ** 0.5)
    if n == grid:
        return table
    weights = _smooth(n, grid) if smooth else _sharp(n, grid)
    square = table.reshape(n, n, -1)
    return np.einsum("ai,bj,ijd->abd", weights, weights, square).reshape(grid * grid, -1)


def _sharp(n: int, grid: int) -> np.ndarray:
    """Weights [grid, n] of the four nearest places each, those beyond the edge counted as the edge."""
    places = np.arange(-2, n + 2)
    beyond = _kernel(_centres(n, grid)[:, None] - places, _SHARP)
    weights = np.zeros((grid, n))
    np.add.at(weights.T, places.clip(0, n - 1), beyond.T)
    return weights


def _smooth(n: int, grid: int) -> np.ndarray:
    """Weights [grid, n] of all places below the kernel, which add up to 1."""
    distance = _centres(n, grid)[:, None] - np.arange(n)
    weights = _kernel(distance / max(n / grid, 1.0), _SMOOTH)
    return weights / weights.sum(1, keepdims=True)


def _centres(n: int, grid: int) -> np.ndarray:
    """The centres of `grid` patches, in patches of a grid of n."""
    return (np.arange(grid) + 0.5) * n / grid - 0.5


def _kernel(distance: np.ndarray, slope: float) -> np.ndarray:
    """The cubic convolution kernel (Keys, 1981), zero from a distance of 2 on."""
    x = np.abs(distance)
    near = (slope + 2) * x**3 - (slope + 3) * x**2 + 1
    far = slope * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
