"""Forgeries of toy faces: parts drawn again from other latents and blended in.

Real clips pass through the very same blend with their own part (`keep`): same regions, softness, colour
matching and colour cast. So a seam says nothing; only the disagreement of the parts does. The donor's
latents keep their distribution (see `latents.far_from`), so neither does a part alone. All parts but the
lips are changed as a whole or on one side of the face only, so that the place of a forgery has to be seen
in the picture and does not follow from the method. Our choice throughout; the colour matching is the usual
one of face swaps, mean and spread by channel.
"""

import dataclasses

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
from jaxfake.faces.ibug68 import CHIN, JAW, NOSE_ROOT

METHODS = ("eyes", "lips", "inner_face", "lighting")

_BROWS_AND_EYES = np.r_[17:27, 36:48]
_LIPS = np.r_[48:68]
_INNER_FACE = np.r_[17:68]
_PARTS = {
    "eyes": _BROWS_AND_EYES,
    "lips": _LIPS,
    "inner_face": _INNER_FACE,
    "lighting": _INNER_FACE,
}

WHOLE, RIGHT, LEFT = "whole", "right", "left"

_MIDDLE = np.r_[27:31, 33, 51, 57, 62, 66]
_OF_SIDE = {
    WHOLE: np.arange(68),
    RIGHT: np.r_[17:22, 36:42, 31:33, 48:51, 58:62, 67, _MIDDLE],
    LEFT: np.r_[22:27, 42:48, 34:36, 52:57, 63:66, _MIDDLE],
}
"""The landmarks of each side as the person has it, those in the middle in both."""

SIDES = {
    "eyes": (WHOLE, RIGHT, LEFT),
    "lips": (WHOLE,),
    "inner_face": (WHOLE, RIGHT, LEFT),
    "lighting": (WHOLE, RIGHT, LEFT),
}
"""Which sides of its part each method changes, equally often."""

SOFTNESS = {
    "eyes": (0.14, 0.36),
    "lips": (0.14, 0.36),
    "inner_face": (0.26, 0.46),
    "lighting": (0.26, 0.46),
}
"""Width of the blend's edge in IOD. Wide, or the edge itself would show as high frequencies."""

SIDE_SOFTNESS = (0.14, 0.30)
"""The same where only one side is changed; a wider edge would reach the other side."""

MARGIN = (0.02, 0.10)
"""How far the fully replaced region reaches beyond the part's landmarks, in IOD."""

RIM = 0.1
"""Width of the soft edge towards the outline of the face, in IOD."""

CAST = 0.025
"""Standard deviation of the colour cast that matching leaves: a gain by channel."""


@dataclasses.dataclass(frozen=True)
class Seam:
    """How a part is blended in: one draw a clip."""

    softness: float  # IOD
    margin: float  # IOD
    gain: np.ndarray  # float32 [3]


@dataclasses.dataclass(frozen=True)
class Forgery:
    """One manipulation of one clip."""

    method: str
    side: str  # one of SIDES
    donor: Clip  # in the target's poses
    seam: Seam

    @property
    def landmarks(self) -> np.ndarray:
        """Which landmarks span the region, and follow the donor inside it; int [m]."""
        return np.intersect1d(_PARTS[self.method], _OF_SIDE[self.side])


@dataclasses.dataclass(frozen=True)
class Region:
    share: np.ndarray  # float32 [H, W]: 1 = all donor, 0 = all target
    mask: np.ndarray  # uint8 [H, W]: 255 where the share is not 0


@dataclasses.dataclass(frozen=True)
class Forged:
    """One frame after the blend, before the camera."""

    image: np.ndarray  # float32 [H, W, 3], RGB, 0..255
    landmarks: np.ndarray  # float32 [68, 2] of what is shown
    mask: np.ndarray  # uint8 [H, W]: 255 = manipulated, all zero if real


def draw_forgery(rng: np.random.Generator, method: str, target: Clip) -> Forgery:
    """A donor and a seam for `target`; the donor moves smoothly on its own, in the target's pose."""
    frames = len(target.poses)
    if method == "lighting":
        lights = move_light(rng, donor_light(rng, _mean_light(target)), frames)
        donor = dataclasses.replace(target, lights=lights)
    else:
        mean = donor_expression(rng, _mean_expression(target))
        donor = dataclasses.replace(
            target,
            identity=donor_identity(rng, target.identity),
            expressions=move_expression(rng, mean, frames),
        )
    side = SIDES[method][rng.integers(len(SIDES[method]))]
    seam = Seam(
        softness=rng.uniform(*(SOFTNESS[method] if side == WHOLE else SIDE_SOFTNESS)),
        margin=rng.uniform(*MARGIN),
        gain=(1 + rng.normal(0, CAST, 3)).astype(np.float32),
    )
    return Forgery(method, side, donor, seam)


def _mean_expression(clip: Clip) -> Expression:
    return Expression(*np.mean(clip.expressions, axis=0).clip(-1, 1).tolist())


def _mean_light(clip: Clip) -> Light:
    return Light(*np.mean(clip.lights, axis=0).clip(-1, 1).tolist())


def forge(faces: list[Face], forgery: Forgery) -> list[Forged]:
    """The clip `faces` (T frames of the target) with the donor's part."""
    forged = []
    moved = forgery.landmarks
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
    """The region around the part's landmarks [68, 2] of both faces, soft at its edge.

    It stays inside both faces, or their outlines would be seen twice.
    """
    part, unit = forgery.landmarks, IOD * size
    hull = cv2.convexHull(np.concatenate([target[part], donor[part]]))
    away = _distance(255 - _filled(hull, size))
    reach = (forgery.seam.margin + forgery.seam.softness) * unit
    faces = _filled(_face_outline(target), size) & _filled(_face_outline(donor), size)
    share = np.minimum(
        (reach - away) / (forgery.seam.softness * unit), _distance(faces) / (RIM * unit)
    ).clip(0, 1)
    return Region(share, np.where(share > 0, 255, 0).astype(np.uint8))


def _face_outline(landmarks: np.ndarray) -> np.ndarray:
    """The jaw and the forehead up to about the hair, whatever the brows do."""
    up = landmarks[NOSE_ROOT] - landmarks[CHIN]
    right, left = landmarks[JAW][[0, -1]]
    across = left - right
    temples = [right + 0.3 * up, left + 0.3 * up]
    forehead = [landmarks[NOSE_ROOT] + 0.46 * up + side * across for side in (-0.3, 0.3)]
    return cv2.convexHull(np.array([*landmarks[JAW], *temples, *forehead]))


def _filled(hull: np.ndarray, size: int) -> np.ndarray:
    filled = np.zeros((size, size), np.uint8)
    return cv2.fillConvexPoly(filled, np.rint(hull).astype(np.int32), 255)


def _distance(inside: np.ndarray) -> np.ndarray:
    """The distance of each pixel inside to the nearest outside, float32 [H, W]."""
    return cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def blend_part(target: np.ndarray, part: np.ndarray, region: Region, seam: Seam) -> np.ndarray:
    """`part` blended over `target`, float32 [H, W, 3], its colours matched inside the region."""
    x, y, width, height = cv2.boundingRect(region.mask)
    window = np.s_[y : y + height, x : x + width]
    ours, theirs, mask = target[window], part[window], region.mask[window]
    our_mean, our_spread = cv2.meanStdDev(ours, mask=mask)
    their_mean, their_spread = cv2.meanStdDev(theirs, mask=mask)
    scale = np.clip(our_spread / (their_spread + 1e-3), 0.5, 2.0)
    shift = our_mean - their_mean * scale
    matched = theirs * (scale[:, 0] * seam.gain).astype(np.float32)
    matched += (shift[:, 0] * seam.gain).astype(np.float32)
    image = target.copy()
    image[window] += cv2.merge([region.share[window]] * 3) * (matched - ours)
    return np.clip(image, 0, 255, out=image)
