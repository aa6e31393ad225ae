"""The iBUG 68-point face annotation: which index is what, and its mirror image.

Indices are 0-based, in the order of the 300-W annotation (iBUG): jaw 0..16 from the face's right ear
(left in the picture) over the chin (8), brows 17..21 and 22..26, nose bridge 27..30, nostrils
31..35, eyes 36..41 and 42..47, outer lips 48..59, inner lips 60..67.
"""

import numpy as np

POINTS = 68

JAW = slice(0, 17)
RIGHT_BROW = slice(17, 22)
LEFT_BROW = slice(22, 27)
NOSE_BRIDGE = slice(27, 31)
NOSTRILS = slice(31, 36)
RIGHT_EYE = slice(36, 42)
LEFT_EYE = slice(42, 48)
OUTER_LIPS = slice(48, 60)
INNER_LIPS = slice(60, 68)

CHIN = 8
NOSE_ROOT = 27
NOSE_TIP = 30
MOUTH_CORNERS = (48, 54)


def _mirror() -> np.ndarray:
    order = np.arange(POINTS)
    order[JAW] = np.arange(16, -1, -1)
    order[17:27] = np.arange(26, 16, -1)
    order[31:36] = np.arange(35, 30, -1)
    order[36:48] = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    order[48:60] = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    order[60:68] = [64, 63, 62, 61, 60, 67, 66, 65]
    return order


MIRROR = _mirror()
"""int [68]: after a horizontal flip, point i of the picture is the old point MIRROR[i]."""


def flip(landmarks: np.ndarray, width: int) -> np.ndarray:
    """Landmarks of the mirrored image.

    Args:
        landmarks: float [68, 2], x then y, in pixels; the centre of the first pixel is at 0.
        width: image width in pixels.
    """
    mirrored = landmarks[MIRROR].copy()
    mirrored[:, 0] = width - 1 - mirrored[:, 0]
    return mirrored
