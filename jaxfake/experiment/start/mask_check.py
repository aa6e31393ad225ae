"""Whether masks can be drawn at random: a part must have clearly more patches than are masked.

A mask of a whole part is always the same one. If M is larger than a part, the mask spills into others.
"""

import math

import jax.numpy as jnp
import numpy as np

from jaxfake import schema
from jaxfake.config import Config
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.faces.parts import BACKGROUND, FACE_PARTS, PART_NAMES, part_map
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say

FACES = 500
"""So many training reals are measured, evenly spaced; our choice."""

FEW = 50
"""With fewer different masks of the smallest region there is a warning; our choice."""


def check_masks(config: Config, faces: FaceDataset) -> None:
    """Measures how many patches can be masked, and compares them with how many shall be.

    The modes 'random' and 'crfr' are not checked: the first knows no parts, the second masks whole ones.

    Args:
        config: of the run.
        faces: to train on; its reals are measured.

    Raises:
        InputError: every patch of the smallest region would be masked in the typical face.
    """
    if config.mask.mode not in ("part", "roi_any"):
        return
    masked, sizes = config.mask.count, _sizes(config, faces)
    medians = {name: int(np.median(counts)) for name, counts in sizes.items()}
    smallest = min(medians, key=lambda name: medians[name])
    room = medians[smallest]
    if masked >= room:
        raise InputError(
            f"mask.count={masked} would mask all of {smallest}, of which faces of this data have {room} "
            f"patches (median): set mask.count to about {max(room // 2, 1)}, or a smaller model.patch"
        )
    masks = math.comb(room, masked)
    if masks < FEW:
        say(
            f"mask.count={masked} of the {room} patches of {smallest}: only {masks} masks are possible"
        )
    share = float((sizes[smallest] <= masked).mean())
    if share:
        say(
            f"in {100 * share:.1f} % of the faces {smallest} has no more than the {masked} masked patches"
        )


def _sizes(config: Config, faces: FaceDataset) -> dict[str, np.ndarray]:
    """The number of patches of each region that is masked, int [n] over the faces."""
    rows = evenly_spaced_rows(np.flatnonzero(faces.index.label == schema.REAL), FACES)
    landmarks = np.stack([faces[row].landmarks for row in rows.tolist()])
    parts = part_map(jnp.asarray(landmarks), config.data.size, config.model.patch)
    if config.mask.mode == "roi_any":
        interest = np.asarray(parts.roi) != BACKGROUND
        return {"the regions of interest": interest.sum(1)}
    part = np.asarray(parts.part)
    return {f"the part {PART_NAMES[one]!r}": (part == one).sum(1) for one in FACE_PARTS}
