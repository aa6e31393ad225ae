"""From a frame to an aligned square crop: one similarity transform for pixels, landmarks and masks.

The eyes, nose tip and mouth corners are brought as close as possible (least squares) to fixed places, so
that a facial part is on the same patches in every crop. Template and margin of 1.3: the alignment that
DeepfakeBench and FSFM use, with the right points. A matrix [2, 3] maps frame pixels to crop pixels, x then
y, with the centre of the first pixel at 0 in both.
"""

import dataclasses
import math

import cv2
import numpy as np

from jaxfake.faces import ibug68

_TEMPLATE_SIZE = 224
_TEMPLATE = np.array(
    [(84.8, 105.4), (139.0, 105.1), (112.0, 136.2), (89.8, 167.9), (134.7, 167.7)], np.float64
)
"""Right eye, left eye, nose tip, mouth corners (right, left) in a crop of 224 pixels."""

_MAX_OVERSAMPLING = 32


@dataclasses.dataclass(frozen=True)
class Crop:
    """An aligned face."""

    image: np.ndarray  # uint8 [size, size, 3]; black where the frame ends
    landmarks: np.ndarray  # float32 [68, 2], pixels of the crop
    matrix: np.ndarray  # float64 [2, 3], frame to crop


def crop(image: np.ndarray, landmarks: np.ndarray, size: int) -> Crop:
    """The aligned crop of one face.

    Args:
        image: uint8 [H, W, 3].
        landmarks: float [68, 2], iBUG order, pixels of the image.
        size: side of the crop in pixels.
    """
    matrix = alignment(landmarks, size)
    moved = apply(matrix, landmarks).astype(np.float32)
    return Crop(warp(image, matrix, size), moved, matrix)


def alignment(landmarks: np.ndarray, size: int) -> np.ndarray:
    """float64 [2, 3]: brings the five points of these 68 landmarks as close as possible to the template.

    Raises:
        ValueError: the five points coincide or are not finite.
    """
    template = (_TEMPLATE + 0.5) * (size / _TEMPLATE_SIZE) - 0.5
    return similarity(five_points(landmarks), template)


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """float64 [5, 2]: eye centres (right, left), nose tip, mouth corners, of float [68, 2]."""
    points = np.asarray(landmarks, np.float64)
    eyes = [points[ibug68.RIGHT_EYE].mean(0), points[ibug68.LEFT_EYE].mean(0)]
    return np.stack([*eyes, points[ibug68.NOSE_TIP], *points[list(ibug68.MOUTH_CORNERS)]])


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scaling and shift (never a reflection) with the least squared error.

    With points as complex numbers it is a complex factor and a shift, fitted in closed form.

    Args:
        source, target: float64 [n, 2].

    Returns:
        float64 [2, 3].

    Raises:
        ValueError: the source points coincide or are not finite.
    """
    if not np.isfinite(source).all() or np.ptp(source, axis=0).max() == 0:
        raise ValueError("cannot align: the points coincide or are not finite")
    z, w = _complex(source), _complex(target)
    spread = z - z.mean()
    factor = np.vdot(spread, w) / np.vdot(spread, spread).real
    shift = w.mean() - factor * z.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points float [n, 2] through a matrix [2, 3]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def place_in_frame(values: np.ndarray, matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """Values of a crop's pixels, mapped back into the frame.

    Args:
        values: float32 [size, size].
        matrix: float [2, 3], frame to crop.

    Returns:
        float32 [height, width], linear between the values; NaN outside of the crop.
    """
    # cv2 gives 0 outside and mixes it into the edge; the same warp of ones shows which pixels are inside.
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (width, height)
    moved, inside = (
        cv2.warpAffine(one, np.asarray(matrix, np.float64), size, flags=how)
        for one in (values.astype(np.float32), np.ones_like(values, np.float32))
    )
    return np.where(inside > 0.999, moved / np.maximum(inside, 0.5), np.float32(np.nan))


def inverse(matrix: np.ndarray) -> np.ndarray:
    """float64 [2, 3]: from the crop back into the frame."""
    return cv2.invertAffineTransform(matrix)


def warp(
    image: np.ndarray,
    matrix: np.ndarray,
    size: int,
    border: int = cv2.BORDER_CONSTANT,
    spacing: float = 1.0,
) -> np.ndarray:
    """The crop uint8 [size, size, 3] that a similarity takes from an image, without aliasing.

    cv2.warpAffine reads one point per pixel, however much it shrinks the image. So when it shrinks, the
    crop is made several times finer and averaged. Bicubic when it enlarges.

    Args:
        image: uint8 [H, W, 3].
        matrix: float64 [2, 3], image to crop.
        size: side of the crop in pixels.
        border: how pixels outside of the image are filled; black by default.
        spacing: largest distance, in image pixels, between two points that are read.
    """
    reach = 1 / math.hypot(matrix[0, 0], matrix[1, 0])  # image pixels per crop pixel
    times = min(math.ceil(reach / spacing), _MAX_OVERSAMPLING)
    if times <= 1:
        how = cv2.INTER_CUBIC if reach < 1 else cv2.INTER_LINEAR
        return cv2.warpAffine(image, matrix, (size, size), flags=how, borderMode=border)
    finer = matrix * times
    finer[:, 2] += (times - 1) / 2
    fine = (size * times, size * times)
    drawn = cv2.warpAffine(image, finer, fine, flags=cv2.INTER_LINEAR, borderMode=border)
    return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)


def warp_mask(mask: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The same for a mask uint8 [H, W], whose values are kept: nearest pixel, 0 outside."""
    return cv2.warpAffine(mask, matrix, (size, size), flags=cv2.INTER_NEAREST)


def _complex(points: np.ndarray) -> np.ndarray:
    return points[:, 0] + 1j * points[:, 1]
