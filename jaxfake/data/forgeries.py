"""Forgeries of toy faces: parts drawn again from other latents and blended in.

Real clips pass through the very same blend with their own part (`keep`): same regions, softness,
colour matching and colour cast. So a seam says nothing; only the disagreement of the parts does.
The donor's latents keep their distribution (see `latents.far_from`), so neither does a part alone.
Our choice throughout; the colour matching is the usual one of face swaps, mean and spread by channel.
"""

from typing import NamedTuple

import cv2
import numpy as np

from jaxfake.data.toyfaces.clips import Clip, move_expression, move_light
from jaxfake.data.toyfaces.geometry import IOD
from jaxfake.data.toyfaces.latents import (
    Expression,
    Light,
    donor_expression,
    donor_identity,
    donor_light,
)
from jaxfake.data.toyfaces.render import Face, landmarks_of, render

METHODS = ("eyes", "lips", "inner_face", "lighting")

_BROWS_AND_EYES = np.r_[17:27, 36:48]
_LIPS = np.r_[48:68]
_INNER_FACE = np.r_[17:68]
PART_LANDMARKS = {
    "eyes": _BROWS_AND_EYES,
    "lips": _LIPS,
    "inner_face": _INNER_FACE,
    "lighting": _INNER_FACE,
}
"""Which landmarks span the region of each method, and follow the donor inside it."""

SOFTNESS = {
    "eyes": (0.14, 0.36),
    "lips": (0.14, 0.36),
    "inner_face": (0.28, 0.50),
    "lighting": (0.28, 0.50),
}
"""Width of the blend's edge in IOD. Wide, or the edge itself would show as high frequencies."""

MARGIN = (0.02, 0.10)
"""How far the fully replaced region reaches beyond the part's landmarks, in IOD."""

CAST = 0.025
"""Standard deviation of the colour cast that matching leaves: a gain by channel."""


class Seam(NamedTuple):
    """How a part is blended in: one draw a clip."""

    softness: float  # IOD
    margin: float  # IOD
    gain: np.ndarray  # float32 [3]


class Forgery(NamedTuple):
    """One manipulation of one clip."""

    method: str
    donor: Clip  # in the target's poses
    seam: Seam


class Region(NamedTuple):
    share: np.ndarray  # float32 [H, W]: 1 = all donor, 0 = all target
    mask: np.ndarray  # uint8 [H, W]: 255 where the share is not 0


class Forged(NamedTuple):
    """One frame after the blend, before the camera."""

    image: np.ndarray  # float32 [H, W, 3], RGB, 0..255
    landmarks: np.ndarray  # float32 [68, 2] of what is shown
    mask: np.ndarray  # uint8 [H, W]: 255 = manipulated, all zero if real


def draw_forgery(rng: np.random.Generator, method: str, target: Clip) -> Forgery:
    """A donor and a seam for `target`; the donor moves smoothly on its own, in the target's pose."""
    frames = len(target.poses)
    if method == "lighting":
        lights = move_light(rng, donor_light(rng, _mean_light(target)), frames)
        donor = target._replace(lights=lights)
    else:
        mean = donor_expression(rng, _mean_expression(target))
        donor = target._replace(
            identity=donor_identity(rng, target.identity),
            expressions=move_expression(rng, mean, frames),
        )
    seam = Seam(
        softness=rng.uniform(*SOFTNESS[method]),
        margin=rng.uniform(*MARGIN),
        gain=(1 + rng.normal(0, CAST, 3)).astype(np.float32),
    )
    return Forgery(method, donor, seam)


def _mean_expression(clip: Clip) -> Expression:
    return Expression(*np.mean(clip.expressions, axis=0).clip(-1, 1).tolist())


def _mean_light(clip: Clip) -> Light:
    return Light(*np.mean(clip.lights, axis=0).clip(-1, 1).tolist())


def forge(faces: list[Face], forgery: Forgery) -> list[Forged]:
    """The clip `faces` (T frames of the target) with the donor's part."""
    forged = []
    moved = PART_LANDMARKS[forgery.method]
    for face, scene in zip(faces, forgery.donor.scenes(), strict=True):
        donor = render(scene, len(face.image))
        region = region_of(face.landmarks, donor.landmarks, forgery, len(face.image))
        landmarks = face.landmarks.copy()
        landmarks[moved] = donor.landmarks[moved]
        image = blend_part(face.image, donor.image, region, forgery.seam)
        forged.append(Forged(image, landmarks, region.mask))
    return forged


def keep(faces: list[Face], forgery: Forgery) -> list[Forged]:
    """The clip `faces` blended in the same region with its own part: still real."""
    kept = []
    for face, scene in zip(faces, forgery.donor.scenes(), strict=True):
        size = len(face.image)
        region = region_of(face.landmarks, landmarks_of(scene, size), forgery, size)
        image = blend_part(face.image, face.image, region, forgery.seam)
        kept.append(Forged(image, face.landmarks, np.zeros((size, size), np.uint8)))
    return kept


def region_of(target: np.ndarray, donor: np.ndarray, forgery: Forgery, size: int) -> Region:
    """The region around the part's landmarks [68, 2] of both faces; its edge is soft inwards."""
    part = PART_LANDMARKS[forgery.method]
    hull = cv2.convexHull(np.concatenate([target[part], donor[part]]))
    outside = np.full((size, size), 255, np.uint8)
    cv2.fillConvexPoly(outside, np.rint(hull).astype(np.int32), 0)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    unit = IOD * size
    reach = (forgery.seam.margin + forgery.seam.softness) * unit
    share = np.clip((reach - away) / (forgery.seam.softness * unit), 0, 1)
    return Region(share, np.where(share > 0, 255, 0).astype(np.uint8))


def blend_part(target: np.ndarray, part: np.ndarray, region: Region, seam: Seam) -> np.ndarray:
    """`part` blended over `target`, float32 [H, W, 3], its colours matched inside the region."""
    inside = region.mask > 0
    ours, theirs = target[inside], part[inside]
    spread = np.clip(ours.std(axis=0) / (theirs.std(axis=0) + 1e-3), 0.5, 2.0)
    matched = (theirs - theirs.mean(axis=0)) * spread + ours.mean(axis=0)
    image = target.copy()
    image[inside] += region.share[inside, None] * (matched * seam.gain - ours)
    return np.clip(image, 0, 255, out=image)
