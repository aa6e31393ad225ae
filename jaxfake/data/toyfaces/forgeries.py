"""Forgeries of toy faces: whole parts of another person, blended in.

Real clips pass through the very same blend with their own part (`keep`): same regions, softness and colour
cast. So a seam says nothing. A donor has the target's colours, and its other latents are distributed as
everybody's, so neither does a part alone: only the disagreement of the parts does. Our choice throughout.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from jaxfake.data.toyfaces.clips import Clip, draw_deviations, move_expression, move_light
from jaxfake.data.toyfaces.geometry import IOD
from jaxfake.data.toyfaces.latents import (
    CHEEK_NOSE,
    EYES,
    LIPS,
    Expression,
    Light,
    donor_expression,
    donor_identity,
    donor_light,
)
from jaxfake.data.toyfaces.render import Face, render
from jaxfake.faces.ibug68 import CHIN, JAW, NOSE_ROOT

SEEN = ("eyes", "cheek_nose", "lips", "upper_face")
"""Manipulations of the splits 'train' and 'val', and of 'test' too."""

UNSEEN = ("lower_face", "eyes_lips", "lighting")
"""Manipulations of the split 'test' alone: no detector is ever trained on them."""

METHODS = SEEN + UNSEEN

_UPPER = np.r_[17:27, 36:48]
_MIDDLE = np.r_[1, 2, 14, 15, 27:36]
_LOWER = np.r_[48:68, 4:13]

_REGIONS = {
    "eyes": _UPPER,
    "cheek_nose": _MIDDLE,
    "lips": _LOWER,
    "upper_face": np.r_[_UPPER, _MIDDLE],
    "lower_face": np.r_[_MIDDLE, _LOWER],
    "eyes_lips": np.r_[_UPPER, _LOWER],
    "lighting": np.r_[_MIDDLE, _LOWER],
}
"""The landmarks that span the region of each method."""

_BORROWED = {
    "eyes": (EYES,),
    "cheek_nose": (CHEEK_NOSE,),
    "lips": (LIPS,),
    "upper_face": (EYES, CHEEK_NOSE),
    "lower_face": (CHEEK_NOSE, LIPS),
    "eyes_lips": (EYES, LIPS),
    "lighting": (),
}
"""The parts that each method takes from another person, the same one for all of them."""

SOFTNESS = (0.14, 0.36)
"""Width of the blend's edge in IOD. Wide, or the edge itself would show as high frequencies."""

MARGIN = (0.35, 0.45)
"""How far the fully replaced region reaches beyond the part's landmarks, in IOD. Far: what lies between
two parts is drawn alike in target and donor, and a part that is cut through would be told by that alone."""

RIM = 0.1
"""Width of the soft edge towards the outline of the face, in IOD."""

CAST = 0.025
"""Standard deviation of the colour cast of the blend: a gain by channel."""


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
    source: Clip  # the target with what is manipulated, as if it were all of one face
    seam: Seam

    @property
    def landmarks(self) -> np.ndarray:
        """Which landmarks span the region, int [m]."""
        return _REGIONS[self.method]


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
    donor = _draw_donor(rng, target)
    if method == "lighting":
        source = dataclasses.replace(target, lights=donor.lights)
    else:
        source = dataclasses.replace(target, donors=dict.fromkeys(_BORROWED[method], donor))
    seam = Seam(
        softness=rng.uniform(*SOFTNESS),
        margin=rng.uniform(*MARGIN),
        gain=(1 + rng.normal(0, CAST, 3)).astype(np.float32),
    )
    return Forgery(method, source, seam)


def _draw_donor(rng: np.random.Generator, target: Clip) -> Clip:
    """Another person, in another light, in the target's pose."""
    frames = len(target.poses)
    return dataclasses.replace(
        target,
        identity=donor_identity(rng, target.identity),
        expressions=move_expression(
            rng, donor_expression(rng, Expression(*_mean(target.expressions))), frames
        ),
        lights=move_light(rng, donor_light(rng, Light(*_mean(target.lights))), frames),
        deviations=draw_deviations(rng),
    )


def _mean(moving: Sequence[Expression] | Sequence[Light]) -> list[float]:
    mean: list[float] = np.mean(moving, axis=0).clip(-1, 1).tolist()
    return mean


def forge(faces: list[Face], forgery: Forgery) -> list[Forged]:
    """The clip `faces` (T frames of the target) with the donor's part."""
    forged = []
    for face, scene in zip(faces, forgery.source.scenes(), strict=True):
        source = render(scene, len(face.image))
        region = region_of(face.landmarks, source.landmarks, forgery, len(face.image))
        image = blend_part(face.image, source.image, region, forgery.seam)
        forged.append(Forged(image, source.landmarks, region.mask))
    return forged


def keep(faces: list[Face], forgery: Forgery) -> list[Forged]:
    """The clip `faces` blended in such a region with its own part: still real."""
    kept = []
    for face in faces:
        region = region_of(face.landmarks, face.landmarks, forgery, len(face.image))
        image = blend_part(face.image, face.image, region, forgery.seam)
        kept.append(Forged(image, face.landmarks, np.zeros(face.image.shape[:2], np.uint8)))
    return kept


def region_of(target: np.ndarray, source: np.ndarray, forgery: Forgery, size: int) -> Region:
    """The region around the part's landmarks [68, 2] of both faces, soft at its edge.

    It stays inside both faces, or their outlines would be seen twice.
    """
    part, unit = forgery.landmarks, IOD * size
    hull = cv2.convexHull(np.concatenate([target[part], source[part]]))
    away = _distance(255 - _filled(hull, size))
    reach = (forgery.seam.margin + forgery.seam.softness) * unit
    faces = _filled(_face_outline(target), size) & _filled(_face_outline(source), size)
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
    """`part` with the colour cast of the seam blended over `target`, float32 [H, W, 3]."""
    x, y, width, height = cv2.boundingRect(region.mask)
    window = np.s_[y : y + height, x : x + width]
    ours, theirs = target[window], part[window]
    image = target.copy()
    image[window] += cv2.merge([region.share[window]] * 3) * (theirs * seam.gain - ours)
    return np.clip(image, 0, 255, out=image)
