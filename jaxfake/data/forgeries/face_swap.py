"""Face swap: the inner face of another person, warped piecewise over a triangulation of the landmarks."""

import numpy as np

from jaxfake.data.forgeries import colour_match, region, warps
from jaxfake.data.forgeries.forgery import Face, Source

_GROWN = (-0.05, 0.10)


def make(rng: np.random.Generator, face: Face, donor: Face | None, strength: float) -> Source:
    """The donor's inner face in the shape of the face's own."""
    assert donor is not None
    size, unit = len(face.image), region.unit_of(face.landmarks)
    points = region.outline(face.landmarks, "inner_face")
    share = region.draw_share(rng, points, size, unit, grown=_GROWN)
    ours, theirs = (one.landmarks.astype(np.float64) for one in (face, donor))
    places = warps.piecewise(ours, theirs, size)
    brought = warps.taken_from(donor.image.astype(np.float32), places)
    cast = colour_match.draw_cast(rng)
    where = (share > 0).astype(np.uint8)
    if where.any():
        brought = colour_match.matched(brought, face.image.astype(np.float32), where, cast)
    parameters = {"part": "inner_face", "cast": cast.tolist()}
    return Source(brought, share * np.float32(strength), face.landmarks, parameters)
