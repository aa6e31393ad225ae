"""Where a source is seen: the outline of a facial part, made irregular and soft.

Outline > elastic warp > shrunk or grown > softened twice by Gaussians of random width, as self-blended
images have it (Shiohara and Yamasaki, 2022). Lengths are in units of the face, see `unit_of`.
"""

import cv2
import numpy as np

from jaxfake.data.forgeries.forgery import CannotForge
from jaxfake.data.forgeries.warps import elastic, moved
from jaxfake.faces import ibug68

_LEAST_AREA = 0.01
"""Smallest hull of the landmarks, as a share of the crop, that can be forged."""

_FAINT = 0.02
"""Shares up to this are 0: they would change no pixel, and the mask is where the share is not 0."""

PARTS = {
    "face": np.arange(ibug68.POINTS),
    "inner_face": np.r_[17:68],
    "eyes": np.r_[17:27, 36:48],
    "right_eye": np.r_[17:22, 36:42],
    "left_eye": np.r_[22:27, 42:48],
    "nose": np.r_[27:36],
    "nose_cheek": np.r_[27:36],
    "lips": np.r_[48:68],
    "lower_face": np.r_[3:14, 31:36, 48:68],
}
"""The landmarks of each part; `outline` adds the cheeks, which have none."""

SOFT = (0.03, 0.14)
"""Standard deviation of each of the two Gaussians."""

_GROWN = (-0.10, 0.10)
"""How far the outline is moved outwards."""

_RAGGED = 0.06
"""Standard deviation of the elastic warp."""


def check(landmarks: np.ndarray, size: int) -> None:
    """Raises CannotForge if these landmarks, float [68, 2], outline no face in a crop of `size` pixels."""
    if not np.isfinite(landmarks).all():
        raise CannotForge("it has no landmarks")
    inside = np.clip(landmarks, 0, size - 1).astype(np.float32)
    if _area(inside) < _LEAST_AREA * size**2:
        raise CannotForge("its landmarks span too little of the crop")


def unit_of(landmarks: np.ndarray) -> float:
    """The length of the face by which forgeries measure: about the distance of the eyes, in pixels.

    Half the root of the area of the landmarks' hull, so that it does not shrink as a head turns.
    """
    return 0.5 * float(np.sqrt(_area(landmarks.astype(np.float32))))


def _area(points: np.ndarray) -> float:
    return float(cv2.contourArea(cv2.convexHull(points)))


def outline(landmarks: np.ndarray, part: str) -> np.ndarray:
    """The points that span a part, float32 [n, 2]."""
    points = landmarks[PARTS[part]]
    if part == "nose_cheek":
        sides = [(36, 48, 3), (45, 54, 13)]  # eye, mouth corner, jaw
        cheeks = [
            (landmarks[[eye, corner]].mean(0) + landmarks[jaw]) / 2 for eye, corner, jaw in sides
        ]
        points = np.concatenate([points, cheeks])
    return points.astype(np.float32)


def draw_share(
    rng: np.random.Generator,
    points: np.ndarray,
    size: int,
    unit: float,
    soft: tuple[float, float] = SOFT,
    grown: tuple[float, float] = _GROWN,
) -> np.ndarray:
    """How much of the source is seen: float32 [size, size], 0..1.

    Args:
        rng: of this face.
        points: whose hull is the region, float32 [n, 2].
        size: side of the crop.
        unit: of the face.
        soft: range of the two Gaussians' standard deviations, in units.
        grown: range of how far the hull is moved outwards, in units.
    """
    away = _away_from(cv2.convexHull(points), size)
    away = moved(away, elastic(rng, size, _RAGGED * unit))
    edge = rng.uniform(*grown) * unit
    first, second = rng.uniform(*soft, 2) * unit
    share = _blurred(np.clip(edge - away + 0.5, 0, 1), first)
    # The second Gaussian begins at the half of the first, so that the edge stays about where it was.
    share = _blurred(np.clip(2 * share - 1, 0, 1), second)
    share /= max(share.max(), 1e-6)  # a thin part is not faint for that
    return np.clip((share - _FAINT) / (1 - 2 * _FAINT), 0, 1)


def hard_share(points: np.ndarray, size: int, grown: float) -> np.ndarray:
    """1 inside of the hull of points float32 [n, 2], moved outwards by some pixels, and 0 outside."""
    return (_away_from(cv2.convexHull(points), size) <= grown).astype(np.float32)


def ellipse(centre: np.ndarray, radii: np.ndarray, angle: float) -> np.ndarray:
    """Points of an ellipse, float32 [n, 2]; radii in pixels, the angle in radians."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    across, down = radii[0] * np.cos(turn), radii[1] * np.sin(turn)
    x = across * np.cos(angle) - down * np.sin(angle)
    y = across * np.sin(angle) + down * np.cos(angle)
    return (centre + np.stack([x, y], axis=1)).astype(np.float32)


def _away_from(hull: np.ndarray, size: int) -> np.ndarray:
    """Distance of each pixel to the hull, negative inside, float32 [size, size]."""
    inside = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(hull).astype(np.int32), 255)
    outer, inner = (
        cv2.distanceTransform(one, cv2.DIST_L2, cv2.DIST_MASK_5) for one in (255 - inside, inside)
    )
    return np.where(inside > 0, 0.5 - inner, outer - 0.5)


def _blurred(share: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(share, (0, 0), max(sigma, 0.3))
