"""From landmarks to facial parts: which part and which region of interest each patch of a face shows.

Our reading of Mover and Delocate: a face is divided into eyes, cheek & nose, lips; regions of interest
(ROIs) follow the Facial Action Coding System and are located by key points: eyebrows, lower eyelids,
nose root, cheeks, mouth corners. The exact lines between the parts and the remaining points are our
choice. Everything runs on device, on static shapes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

BACKGROUND, EYES, CHEEK_NOSE, LIPS = range(4)
PART_NAMES = ("background", "eyes", "cheek_nose", "lips")
FACE_PARTS = (EYES, CHEEK_NOSE, LIPS)

TEMPLATE_GRID = 14
"""Grid of the template for faces without landmarks: 14 x 14 patches of an aligned 1.3x crop."""

FACE_CENTRE = (0.5, 0.625)
"""Between brows and chin of a face in an aligned crop: x and y as shares of its side; our choice."""

_EYES_POINTS = (17, 19, 21, 22, 24, 26, 27)
_NOSE_POINTS = (28, 29, 30, 31, 35)
_LIPS_POINTS = (48, 54, 51, 57, 6, 10, 8)
_ROI_PARTS = np.repeat(
    FACE_PARTS, (len(_EYES_POINTS) + 2, len(_NOSE_POINTS) + 2, len(_LIPS_POINTS))
)


class PartMap(NamedTuple):
    """For each patch, row by row: the part at its centre, and the part of the ROI point in it."""

    part: jax.Array  # int32 [B, N], 0 background, 1 eyes, 2 cheek & nose, 3 lips
    roi: jax.Array  # int32 [B, N], 0 none, else the part of the ROI point in the patch


def part_map(landmarks: jax.Array, image: int, patch: int) -> PartMap:
    """Part and ROI of each patch.

    Args:
        landmarks: float [B, 68, 2], iBUG order, x then y, pixels. A face with a NaN gets the template
            of an aligned crop instead.
        image: side of the square image in pixels.
        patch: side of a patch in pixels.
    """
    known = jnp.isfinite(landmarks).all(axis=(1, 2))[:, None]
    points = jnp.nan_to_num(landmarks.astype(jnp.float32))
    template = _template(image // patch)
    part = jnp.where(known, _parts(points, image, patch), template)
    roi = jnp.where(known, _rois(points, image, patch), template)
    return PartMap(part, roi)


def _parts(points: jax.Array, image: int, patch: int) -> jax.Array:
    """The three horizontal bands of the face inside the jaw's box, int32 [B, N]."""
    x, y = points[..., 0], points[..., 1]
    brow, chin = y[:, 17:27].min(1), y[:, 6:11].max(1)
    # Half a patch of the 14 x 14 grid below the lower eyelid, whatever the patch size in use.
    eyelid = y[:, np.array([40, 41, 46, 47])].max(1) + image / (2 * TEMPLATE_GRID)
    lips = (y[:, 33] + y[:, 48:55].min(1)) / 2
    bounds = jnp.stack([brow - 0.15 * (chin - brow), eyelid, lips, chin], axis=1)
    jaw = x[:, :17]
    centre_x, centre_y = _patch_centres(image, patch)
    band = (centre_y[None, :, None] >= bounds[:, None, :]).sum(-1)
    inside = (centre_x >= jaw.min(1, keepdims=True)) & (centre_x <= jaw.max(1, keepdims=True))
    # Past the last bound (below the chin) the count is 4, which is background again.
    return jnp.where(inside & (band < 4), band, BACKGROUND).astype(jnp.int32)


def _patch_centres(image: int, patch: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the centre of each patch, float32 [N], in pixels with (0, 0) the first centre."""
    middles = np.arange(image // patch, dtype=np.float32) * patch + (patch - 1) / 2
    rows, columns = np.meshgrid(middles, middles, indexing="ij")
    return columns.ravel(), rows.ravel()


def _rois(points: jax.Array, image: int, patch: int) -> jax.Array:
    """The part of the ROI point in each patch, int32 [B, N]; of two, the lower part's."""
    columns = jnp.floor((_roi_points(points) + 0.5) / patch).astype(jnp.int32)
    grid = image // patch
    inside = ((columns >= 0) & (columns < grid)).all(-1)
    index = jnp.where(inside, columns[..., 1] * grid + columns[..., 0], -1)
    in_patch = index[:, :, None] == jnp.arange(grid * grid)
    return jnp.where(in_patch, _ROI_PARTS[None, :, None], BACKGROUND).max(1).astype(jnp.int32)


def _roi_points(points: jax.Array) -> jax.Array:
    """The 23 ROI key points, [B, 23, 2], in the order of `_ROI_PARTS`."""
    eyelids = [points[:, 40:42].mean(1), points[:, 46:48].mean(1)]
    right_cheek = ((points[:, 36] + points[:, 48]) / 2 + points[:, 3]) / 2
    left_cheek = ((points[:, 45] + points[:, 54]) / 2 + points[:, 13]) / 2
    return jnp.concatenate(
        [
            points[:, np.array(_EYES_POINTS)],
            jnp.stack(eyelids, 1),
            points[:, np.array(_NOSE_POINTS)],
            jnp.stack([right_cheek, left_cheek], 1),
            points[:, np.array(_LIPS_POINTS)],
        ],
        axis=1,
    )


def _template(grid: int) -> np.ndarray:
    """Parts of an aligned face without landmarks, int32 [grid * grid]: our choice."""
    middles = (np.arange(grid) + 0.5) * TEMPLATE_GRID / grid
    row, off_centre = np.meshgrid(middles, np.abs(middles - TEMPLATE_GRID / 2), indexing="ij")
    template = np.zeros((grid, grid), np.int32)
    for part, top, bottom, half_width in (
        (EYES, 3, 7, 5),
        (CHEEK_NOSE, 7, 10, 6),
        (LIPS, 10, 13, 5),
    ):
        template[(row >= top) & (row < bottom) & (off_centre < half_width)] = part
    return template.ravel()
