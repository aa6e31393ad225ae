"""Self-blending (Shiohara and Yamasaki, 2022): a face blended over itself, after its source was changed.

Colour, frequencies and geometry of the source change; its person, pose and expression stay. All that tells
is that the two do not fit together. Ranges and masks are our own.
"""

import numpy as np

from jaxfake.data.forgeries import perturb, region, warps
from jaxfake.data.forgeries.forgery import Face, Source

RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
"""How much of the source is seen at most; one is drawn."""

_PARTS = ("face", "face", "inner_face", "lower_face", "eyes", "nose_cheek", "lips")

TRANSLATION = 0.03
"""Most translation each way, as a share of the side."""

SCALE = 0.95
"""Smallest scale; the largest is its inverse."""

_ELASTIC = 0.006
"""Standard deviation of the elastic warp, as a share of the side."""


def make(rng: np.random.Generator, face: Face, donor: Face | None, strength: float) -> Source:
    """The face, changed; `donor` is not used."""
    del donor
    size = len(face.image)
    part = _PARTS[rng.integers(len(_PARTS))]
    points = region.outline(face.landmarks, part)
    share = region.draw_share(rng, points, size, region.unit_of(face.landmarks))
    ratio = RATIOS[rng.integers(len(RATIOS))]
    colour, frequency = (
        draw(rng, strength) for draw in (perturb.draw_colour, perturb.draw_frequency)
    )
    shift = strength * TRANSLATION * size * rng.uniform(-1, 1, 2)
    scale = float(SCALE ** (strength * rng.uniform(-1, 1)))
    image = perturb.refiltered(perturb.recoloured(face.image.astype(np.float32), colour), frequency)
    places = warps.places_of(_about_the_middle(scale, shift, size), size)
    places += warps.elastic(rng, size, strength * _ELASTIC * size)
    parameters = {
        "part": part,
        "ratio": ratio,
        **colour,
        **frequency,
        "shift": shift.tolist(),
        "scale": scale,
    }
    return Source(
        warps.taken_from(image, places), share * np.float32(ratio), face.landmarks, parameters
    )


def _about_the_middle(scale: float, shift: np.ndarray, size: int) -> np.ndarray:
    """float64 [2, 3]: from places in the result to places in the face."""
    middle = np.full(2, (size - 1) / 2)
    return np.concatenate([np.eye(2) / scale, (middle - (middle + shift) / scale)[:, None]], axis=1)
