"""Moving pixels: every warp is a map of where each pixel is taken from, float32 [S, S, 2], x then y."""

import functools
from typing import Any

import cv2
import numpy as np

_CELLS = 5
"""Cells of the coarse grid on which an elastic warp is drawn."""

_ONE_MAP: Any = None
"""For cv2.remap: x and y are in one map, and there is no second."""


@functools.lru_cache(maxsize=8)
def identity(size: int) -> np.ndarray:
    """The map that moves nothing. It must not be changed."""
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    grid = np.stack([x, y], axis=2)
    grid.flags.writeable = False
    return grid


def elastic(rng: np.random.Generator, size: int, spread: float) -> np.ndarray:
    """A smooth random displacement of this standard deviation in pixels: float32 [size, size, 2]."""
    coarse = spread * rng.standard_normal((_CELLS, _CELLS, 2), np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def moved(pixels: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Each pixel taken from its place plus the displacement, linear; mirrored at the border."""
    return taken_from(pixels, identity(len(pixels)) + displacement)


def taken_from(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each pixel taken from the place in the map, linear; mirrored at the border."""
    return cv2.remap(pixels, places, _ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def places_of(matrix: np.ndarray, size: int) -> np.ndarray:
    """The map of an affine matrix [2, 3] that takes places of the result to places of the source."""
    grid = identity(size)
    return grid @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)


def affinity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The affine matrix float64 [2, 3] with the least squared error from points [n, 2] to others.

    Of several that fit equally well, because the points lie on a line, it is the smallest.
    """
    middle = source.mean(0)
    spread = np.concatenate([source - middle, np.ones((len(source), 1))], axis=1)
    solved = np.linalg.lstsq(spread, target, rcond=1e-3)[0].T
    shift = solved[:, 2] - solved[:, :2] @ middle
    return np.concatenate([solved[:, :2], shift[:, None]], axis=1)


def piecewise(target: np.ndarray, source: np.ndarray, size: int) -> np.ndarray:
    """The map that is affine in each triangle between the target's points.

    Args:
        target: places in the result, float [n, 2].
        source: where they are taken from, float [n, 2].
        size: side of the result in pixels.
    """
    from scipy.spatial import Delaunay  # it takes a while to import, and only forgeries need it

    corners = np.array([(x, y) for x in (-1, 0.5, 2) for y in (-1, 0.5, 2) if (x, y) != (0.5, 0.5)])
    outer = corners * size
    matrix = affinity(target, source)
    places = np.concatenate([target, outer])
    sources = np.concatenate([source, outer @ matrix[:, :2].T + matrix[:, 2]])
    triangles = Delaunay(places).simplices
    label = np.zeros((size, size), np.float32)
    for number, triangle in enumerate(np.rint(places[triangles]).astype(np.int32)):
        cv2.fillConvexPoly(label, triangle, number)
    affine = _triangle_matrices(places[triangles], sources[triangles])
    of_pixel = affine[label.astype(np.int32)]  # [size, size, 2, 3]
    grid = identity(size)
    return (
        of_pixel[..., 0] * grid[..., :1] + of_pixel[..., 1] * grid[..., 1:] + of_pixel[..., 2]
    ).astype(np.float32)


def _triangle_matrices(places: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """The affine matrix of each triangle: float32 [t, 2, 3], of corners float [t, 3, 2]."""
    corners = np.concatenate([places, np.ones((*places.shape[:2], 1))], axis=2)
    # The triangles of a Delaunay triangulation have an area, but it may be as small as rounding.
    return (np.linalg.pinv(corners) @ sources).transpose(0, 2, 1).astype(np.float32)
