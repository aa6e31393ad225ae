"""Where everything lies: 3-D points of a face from latents, turned and projected into the crop.

Units of the face: one interocular distance (IOD); x to the right of the picture, y down, z towards
the viewer; the origin lies between the eyes. The right half of the face (left in the picture, as
iBUG-68 counts) is described and mirrored, so faces are symmetric before they turn.
"""

import dataclasses

import numpy as np

from jaxfake.data.toyfaces.anatomy import (
    Middle,
    Pairs,
    brow_widths,
    half_face,
    middle_curves,
    protrusion,
    right_side,
)
from jaxfake.data.toyfaces.latents import CHEEK_NOSE, EYES, Pose, Scene
from jaxfake.faces.ibug68 import MIRROR

IOD = 54.2 / 224
"""Interocular distance in crop widths: the alignment template for crops of 1.3 times the face."""

CENTRE = (112.0 / 224, 127.5 / 224)
"""Where the template's eyes (counted twice), nose tip and mouth corners have their mean, likewise."""

ANCHOR = np.array([0.0, 0.41, 0.55])
"""The point of every head that comes to CENTRE: the same mean on a face at rest. It moves with no
expression and no identity, or a forged part would betray itself by shifting the whole face."""

DEPTH = 9.0
"""Distance of the camera in IOD: a mild perspective."""

_FLIP_X = np.array([-1.0, 1.0])


@dataclasses.dataclass(frozen=True)
class Shape:
    """A face in crop coordinates (float64 pixels, centre of the first pixel at 0)."""

    landmarks: np.ndarray  # [68, 2]
    pairs: Pairs  # each [2, 4, 2], points [2, 1, 2]: the right one (left in the picture), then the left
    middle: Middle
    brow_widths: np.ndarray  # [5] half the thickness along a brow, outer end first, pixels
    unit: float  # pixels of one IOD at the face's scale


def project(scene: Scene, size: int) -> Shape:
    """The face of `scene` in a crop of `size` x `size` pixels."""
    looks = scene.looks
    half = half_face(scene.identity.proportions, looks)
    landmarks = half.copy()
    landmarks[_LEFT] = half[MIRROR[_LEFT]] * _FLIP_X
    right = right_side(looks, half)
    middle = middle_curves(scene.identity, looks[EYES].expression, half)
    one_side = np.concatenate(right)
    flat = np.concatenate([landmarks, one_side, one_side * _FLIP_X, *middle])
    depth = _depth(flat)
    depth[:68] += protrusion(looks[CHEEK_NOSE].style)
    pixels = _crop_pixels(flat, depth, scene.pose, size)
    both, rest = np.split(pixels[68:], [2 * len(one_side)])
    unit = IOD * size * scene.pose.scale
    return Shape(
        landmarks=pixels[:68],
        pairs=Pairs._make(_split(both.reshape(2, -1, 2), right, axis=1)),
        middle=Middle._make(_split(rest, middle, axis=0)),
        brow_widths=unit * brow_widths(looks[EYES].style),
        unit=unit,
    )


_LEFT = np.r_[9:17, 22:27, 34:36, 42:48, 52:57, 63:66]


def _split(points: np.ndarray, like: Pairs | Middle, axis: int) -> list[np.ndarray]:
    """Cuts the points of several curves apart again."""
    ends = np.cumsum([len(curve) for curve in like])[:-1]
    return np.split(points, ends, axis=axis)


def _depth(points: np.ndarray) -> np.ndarray:
    """Height of the head, an ellipsoid, over the plane through the ears, [n] in IOD."""
    x, y = points[:, 0] / 1.36, (points[:, 1] - 0.15) / 2.1
    return 1.05 * np.sqrt(np.maximum(1 - x * x - y * y, 0)) - 0.45


def _crop_pixels(flat: np.ndarray, depth: np.ndarray, pose: Pose, size: int) -> np.ndarray:
    """The points [n, 2], with their depths [n], turned and seen in perspective: [n, 2]."""
    turn = _rotation(pose)
    seen = _seen(flat @ turn[:, :2].T + depth[:, None] * turn[:, 2])
    seen -= _seen((turn @ ANCHOR)[None])
    seen *= IOD * pose.scale * size
    return seen + (CENTRE + np.array([pose.shift_x, pose.shift_y])) * size - 0.5


def _seen(solid: np.ndarray) -> np.ndarray:
    return solid[:, :2] / (1 - solid[:, 2:] / DEPTH)


def _rotation(pose: Pose) -> np.ndarray:
    (sy, sp, sr), (cy, cp, cr) = np.sin(pose[:3]), np.cos(pose[:3])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return roll @ pitch @ yaw
