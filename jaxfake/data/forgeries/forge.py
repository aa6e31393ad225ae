"""A source of some kind, blended into a face by its share; and the same blend of a face with itself."""

from collections.abc import Callable

import cv2
import numpy as np

from jaxfake.data.forgeries import (
    face_swap,
    part_transplant,
    reenact,
    region,
    self_blend,
    shallow,
    twin,
)
from jaxfake.data.forgeries.forgery import CannotForge, Face, Forged, Kind, Source

Make = Callable[[np.random.Generator, Face, Face | None, float], Source]

_MAKE: dict[Kind, Make] = {
    "self_blend": self_blend.make,
    "part_transplant": part_transplant.make,
    "face_swap": face_swap.make,
    "reenact": reenact.make,
    "twin": twin.make,
    "shallow": shallow.make,
}

NEED_DONOR: tuple[Kind, ...] = ("part_transplant", "face_swap", "shallow")
"""Kinds that take something from the face of another person."""

_LEAST_CHANGE = 1.0
"""Mean change inside of the mask, in grey levels, below which parameters are drawn again."""

_TRIES = 32


def forge(
    rng: np.random.Generator, face: Face, donor: Face | None, kind: Kind, strength: float = 1.0
) -> Forged:
    """A forgery of a face. The same arguments and state of `rng` give the same forgery.

    Args:
        rng: from which everything is drawn.
        face: the real face.
        donor: of another person in a similar pose, for the kinds in `NEED_DONOR`.
        kind: of the manipulation.
        strength: in (0, 1]. It scales the changes of self_blend and reenact, and how much of the source is
            seen for the other kinds.

    Raises:
        CannotForge: the face or the donor has no landmarks, or no draw changes a pixel of it.
    """
    for one in (face, donor):
        if one is not None:
            region.check(one.landmarks, len(one.image))
    for _ in range(_TRIES):
        source = _MAKE[kind](rng, face, donor, strength)
        image = blended(face.image, source)
        change = cv2.absdiff(image, face.image)[source.share > 0]
        if change.size and change.mean() >= _LEAST_CHANGE:
            break
    if not change.any():
        raise CannotForge(f"no {kind} changes a pixel of it")
    return Forged(image, source.landmarks, source.share, kind, source.parameters)


def blend_with_itself(
    rng: np.random.Generator, face: Face, donor: Face | None, kind: Kind, strength: float = 1.0
) -> Forged:
    """The face, still real, through the mask of a forgery and one interpolation, as a source has it.

    It is moved by less than half a pixel, and blended over itself. From the same state of `rng`, the share
    is that of the first draw of `forge`.

    Raises:
        CannotForge: as `forge`.
    """
    for one in (face, donor):
        if one is not None:
            region.check(one.landmarks, len(one.image))
    source = _MAKE[kind](rng, face, donor, strength)
    shift = rng.uniform(-0.5, 0.5, 2)
    matrix = np.concatenate([np.eye(2), shift[:, None]], axis=1)
    pixels = face.image.astype(np.float32)
    itself = cv2.warpAffine(
        pixels, matrix, pixels.shape[:2], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    image = blended(face.image, source._replace(image=itself))
    return Forged(image, face.landmarks, source.share, kind, {"shift": shift.tolist()})


def blended(target: np.ndarray, source: Source) -> np.ndarray:
    """The source over the target, uint8 [S, S, 3]; where the share is 0, exactly the target."""
    pixels = target.astype(np.float32)
    pixels += source.share[..., None] * (source.image - pixels)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
