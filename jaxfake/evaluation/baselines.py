"""What anyone could fill a masked face with: the baselines that recovery must beat.

Each sees the visible pixels and the mask alone. Pixels are float32 in -1..1, as in the networks.
"""

import cv2
import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import evenly_spaced

MEAN_FACES = 2000
"""At most so many training reals, evenly spaced, make the mean face."""

_TELEA_RADIUS = 3.0

MEAN_FACE, INPAINT, MIRROR = "mean face", "inpainting (Telea)", "mirror"


def fillings(
    image: np.ndarray, hidden: np.ndarray, mean: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The face by each baseline, float32 [H, W, 3]; only the hidden pixels are of interest.

    Args:
        image: uint8 [H, W, 3]; its hidden pixels are not looked at.
        hidden: bool [H, W].
        mean: float32 [H, W, 3], see `mean_face`; without it there is inpainting alone.
    """
    visible = np.where(hidden[..., None], np.uint8(0), image)
    filled = {INPAINT: inpainted(visible, hidden)}
    if mean is None:
        return filled
    return {MEAN_FACE: mean, **filled, MIRROR: mirrored(visible, hidden, mean)}


def mean_face(dataset: FaceDataset, rows: np.ndarray) -> np.ndarray:
    """Mean of the training reals at `rows`, or of `MEAN_FACES` of them: float32 [H, W, 3]."""
    chosen = evenly_spaced(rows, MEAN_FACES)
    total = np.zeros((dataset.size, dataset.size, 3), np.int64)
    for row in chosen.tolist():
        total += dataset[row].image
    return in_network_scale(total / len(chosen))


def inpainted(visible: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """OpenCV's inpainting from the rim of the mask inwards (Telea, 2004)."""
    filled = cv2.inpaint(visible, hidden.astype(np.uint8), _TELEA_RADIUS, cv2.INPAINT_TELEA)
    return in_network_scale(filled)


def mirrored(visible: np.ndarray, hidden: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The pixel across the vertical mid-line of the crop; where that is hidden too, the mean face.

    An aligned crop has the face's own mid-line there, up to the pose.
    """
    other_half_seen = ~hidden[:, ::-1]
    return np.where(other_half_seen[..., None], in_network_scale(visible[:, ::-1]), mean)


def in_network_scale(pixels: np.ndarray) -> np.ndarray:
    """Pixels in 0..255 to float32 in -1..1: `models.pixels.normalise` on the host."""
    return ((pixels / 255.0 - 0.5) / 0.5).astype(np.float32)
