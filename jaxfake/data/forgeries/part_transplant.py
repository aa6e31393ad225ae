"""Part transplant: eyes, nose and cheeks, or lips of another person, brought on by the part's landmarks."""

from typing import Any

import cv2
import numpy as np

from jaxfake.data.forgeries import colour_match, region, warps
from jaxfake.data.forgeries.forgery import Face, Source
from jaxfake.faces import align

PARTS = ("eyes", "nose_cheek", "lips")

_GROWN = (0.02, 0.14)


def make(rng: np.random.Generator, face: Face, donor: Face | None, strength: float) -> Source:
    """The donor's part in the place of the face's own."""
    assert donor is not None
    size, unit = len(face.image), region.unit_of(face.landmarks)
    part = PARTS[rng.integers(len(PARTS))]
    ours, theirs = (region.outline(one.landmarks, part) for one in (face, donor))
    share = region.draw_share(rng, ours, size, unit, grown=_GROWN)
    transform = ("similarity", "affinity")[rng.integers(2)]
    bring = align.similarity if transform == "similarity" else warps.affinity
    places = warps.places_of(bring(ours.astype(np.float64), theirs.astype(np.float64)), size)
    brought = warps.taken_from(donor.image.astype(np.float32), places)
    blend = ("soft", "gradient")[rng.integers(2)]
    cast = colour_match.draw_cast(rng)
    where = (share > 0).astype(np.uint8)
    if where.any():
        target = face.image.astype(np.float32)
        brought = colour_match.matched(brought, target, where, cast)
        if blend == "gradient":
            brought = in_gradient_domain(brought, face.image, where)
    parameters: dict[str, Any] = {"part": part, "transform": transform, "blend": blend}
    parameters["cast"] = cast.tolist()
    return Source(brought, share * np.float32(strength), face.landmarks, parameters)


def in_gradient_domain(source: np.ndarray, target: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The source with the target's colours at the edge and its own gradients inside (Perez et al., 2003).

    Args:
        source: float32 [S, S, 3].
        target: uint8 [S, S, 3].
        where: uint8 [S, S], not 0 inside.

    Returns:
        float32 [S, S, 3]; the source as it was if there is no room for a seam.
    """
    inside = np.zeros_like(where)
    inside[2:-2, 2:-2] = where[2:-2, 2:-2]  # OpenCV reads a pixel beyond the region
    x, y, width, height = cv2.boundingRect(inside)
    if min(width, height) < 4:
        return source
    centre = (x + width // 2, y + height // 2)
    pixels = np.clip(np.rint(source), 0, 255).astype(np.uint8)
    cloned = cv2.seamlessClone(pixels, target, 255 * inside, centre, cv2.NORMAL_CLONE)
    return cloned.astype(np.float32)
