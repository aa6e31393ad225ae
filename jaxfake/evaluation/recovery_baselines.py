"""Baselines that recovery must beat: the mean face, inpainting, and the mirrored face.

They see only the visible pixels and the mask. Pixels are float32 in -1..1, as in the networks.
"""

import cv2
import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows

MEAN_FACES = 2000
"""The mean face is made of at most this many training reals, evenly spaced."""

_TELEA_RADIUS = 3.0

MEAN_FACE, INPAINT, MIRROR = "mean face", "inpainting (Telea)", "mirror"


def reconstructions(
    image: np.ndarray, hidden: np.ndarray, mean: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The face as each baseline recovers it, float32 [H, W, 3]; only the hidden pixels matter.

    Args:
        image: uint8 [H, W, 3]; its hidden pixels are not used.
        hidden: bool [H, W].
        mean: float32 [H, W, 3], see `mean_face`; without it, inpainting is the only baseline.
    """
    visible = np.where(hidden[..., None], np.uint8(0), image)
    inpainting = {INPAINT: inpainted(visible, hidden)}
    if mean is None:
        return inpainting
    return {MEAN_FACE: mean, **inpainting, MIRROR: mirrored(visible, hidden, mean)}


def mean_face(dataset: FaceDataset, rows: np.ndarray) -> np.ndarray:
    """Mean of the training reals at `rows`, at most `MEAN_FACES` of them: float32 [H, W, 3]."""
    chosen = evenly_spaced_rows(rows, MEAN_FACES)
    total = np.zeros((dataset.size, dataset.size, 3), np.int64)
    for row in chosen.tolist():
        total += dataset[row].image
    return in_network_scale(total / len(chosen))


def inpainted(visible: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """OpenCV's inpainting from the edge of the mask inwards (Telea, 2004)."""
    filled = cv2.inpaint(visible, hidden.astype(np.uint8), _TELEA_RADIUS, cv2.INPAINT_TELEA)
    return in_network_scale(filled)


def mirrored(visible: np.ndarray, hidden: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The pixel across the vertical mid-line of the crop; the mean face where that is hidden too.

    In an aligned crop this is the mid-line of the face, up to its pose.
    """
    mirror_visible = ~hidden[:, ::-1]
    return np.where(mirror_visible[..., None], in_network_scale(visible[:, ::-1]), mean)


def in_network_scale(pixels: np.ndarray) -> np.ndarray:
    """Pixels in 0..255 to float32 in -1..1: `models.pixels.normalise` on the host."""
    return ((pixels / 255.0 - 0.5) / 0.5).astype(np.float32)
