"""Shallow fakes: what a person does by hand in an editor, without any network."""

from typing import Any

import cv2
import numpy as np

from jaxfake.data.forgeries import region, warps
from jaxfake.data.forgeries.forgery import Face, Source
from jaxfake.faces import align

EDITS = ("splice", "clone", "smooth", "inpaint", "relight")

_SPLICED = ("eyes", "right_eye", "left_eye", "nose", "lips")

_PATCH = (0.22, 0.45)
"""Range of the radii of a patch that is cloned or inpainted, in units."""

_CLONED_FROM = (0.5, 1.0)
"""Range of the distance over which a patch is cloned, in units."""

_INPAINTED = 3.0
"""Pixels around a hole from which it is filled."""

_GAIN = 0.35
"""Most logarithm of the gain of a relight."""


def make(rng: np.random.Generator, face: Face, donor: Face | None, strength: float) -> Source:
    """The face after one edit; only a splice uses the donor."""
    assert donor is not None
    edit = EDITS[rng.integers(len(EDITS))]
    image = face.image.astype(np.float32)
    if edit == "splice":
        made, share, parameters = _splice(rng, face, donor)
    elif edit == "clone":
        made, share, parameters = _clone(rng, face, image)
    elif edit == "smooth":
        made, share, parameters = _smooth(rng, face)
    elif edit == "inpaint":
        made, share, parameters = _inpaint(rng, face)
    else:
        made, share, parameters = _relight(rng, face, image)
    return Source(made, share * np.float32(strength), face.landmarks, {"edit": edit, **parameters})


_Edit = tuple[np.ndarray, np.ndarray, dict[str, Any]]
"""Picture float32 [S, S, 3], share float32 [S, S] and what was drawn."""


def _splice(rng: np.random.Generator, face: Face, donor: Face) -> _Edit:
    """A part of another person, pasted with a hard edge and in its own colours."""
    size, unit = len(face.image), region.unit_of(face.landmarks)
    part = _SPLICED[rng.integers(len(_SPLICED))]
    ours, theirs = (region.outline(one.landmarks, part) for one in (face, donor))
    matrix = align.similarity(ours.astype(np.float64), theirs.astype(np.float64))
    pasted = warps.taken_from(donor.image.astype(np.float32), warps.places_of(matrix, size))
    return pasted, region.hard_share(ours, size, rng.uniform(0.05, 0.2) * unit), {"part": part}


def _clone(rng: np.random.Generator, face: Face, image: np.ndarray) -> _Edit:
    """A patch of the same face, stamped on another place of it."""
    size, unit = len(face.image), region.unit_of(face.landmarks)
    share = _patch(rng, face, soft=(0.01, 0.05))
    direction = rng.uniform(0, 2 * np.pi)
    offset = rng.uniform(*_CLONED_FROM) * unit * np.array([np.cos(direction), np.sin(direction)])
    places = warps.identity(size) + np.rint(offset).astype(np.float32)
    return warps.taken_from(image, places), share, {"offset": offset.tolist()}


def _smooth(rng: np.random.Generator, face: Face) -> _Edit:
    """Skin made smooth, edges kept."""
    points = region.outline(face.landmarks, "face")
    share = region.draw_share(rng, points, len(face.image), region.unit_of(face.landmarks))
    colour = float(rng.uniform(20, 60))
    reach = 0.05 * region.unit_of(face.landmarks)
    smooth = cv2.bilateralFilter(face.image, 7, colour, max(reach, 1.5))
    return smooth.astype(np.float32), share, {"colour": colour}


def _inpaint(rng: np.random.Generator, face: Face) -> _Edit:
    """A spot removed, and filled from around it."""
    share = _patch(rng, face, soft=(0.01, 0.03))
    hole = (share > 0).astype(np.uint8)
    method = (cv2.INPAINT_TELEA, cv2.INPAINT_NS)[rng.integers(2)]
    filled = cv2.inpaint(face.image, hole, _INPAINTED, method)
    return filled.astype(np.float32), share, {"method": method}


def _relight(rng: np.random.Generator, face: Face, image: np.ndarray) -> _Edit:
    """The light changed by a smooth gain, stronger on one side."""
    size, unit = len(face.image), region.unit_of(face.landmarks)
    share = region.draw_share(
        rng, region.outline(face.landmarks, "face"), size, unit, soft=(0.08, 0.2)
    )
    turn, amount = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1) * _GAIN
    across = (warps.identity(size) - face.landmarks.mean(0)) @ np.array(
        [np.cos(turn), np.sin(turn)], np.float32
    )
    field = np.tanh(across / np.float32(unit)) + warps.elastic(rng, size, 0.3)[..., 0]
    gain = np.exp(np.float32(amount) * field)
    return np.clip(image * gain[..., None], 0, 255), share, {"amount": amount, "turn": turn}


def _patch(rng: np.random.Generator, face: Face, soft: tuple[float, float]) -> np.ndarray:
    """The share of an irregular patch around a point of the face, float32 [S, S]."""
    unit = region.unit_of(face.landmarks)
    one, other = face.landmarks[rng.integers(17, 68, 2)]
    centre = one + rng.uniform(0, 1) * (other - one)
    points = region.ellipse(centre, rng.uniform(*_PATCH, 2) * unit, rng.uniform(0, np.pi))
    return region.draw_share(rng, points, len(face.image), unit, soft, grown=(0.0, 0.0))
