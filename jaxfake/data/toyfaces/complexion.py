"""The complexion: lighter, darker and tinted stripes of the skin, which run down the whole face.

Like the albedo of a morphable face model: a component is a pattern of stripes in one colour, with the same
places in the eyes, on cheeks and nose, and around the lips. Who sees a stripe in one part can expect it in
the others, but no part alone tells anything. The heights of the stripes add up to nothing, so neither does
the mean colour of a part. Our choice throughout.
"""

import numpy as np

from jaxfake.data.toyfaces.latents import CHEEK_NOSE, EYES, LIPS, OWN, PARTS, SHARED, Look

STRIPES = 5
"""From the right side of the face to the left one."""

_ACROSS = np.linspace(-1, 1, STRIPES)
_PLACES = {EYES: (0.98, -0.10), CHEEK_NOSE: (0.98, 0.52), LIPS: (0.84, 1.24)}
"""Where a part has them, in IOD as in `geometry`: the outermost to both sides, and how far down."""

AREAS = np.array(
    [
        (reach * across, down)
        for reach, down in (_PLACES[part] for part in PARTS)
        for across in _ACROSS
    ]
)
"""Centre of each stripe in each of PARTS, float64 [n, 2]."""

RADII = (0.17, 0.20)
"""Standard deviations of a stripe in one part, across and down, in IOD."""

_COLOURS = np.array([[1.0, 1.0, 1.0], [0.5, 0.3, -1.0], [0.8, -0.6, -0.4]])
"""Red, green and blue of lighter, yellower, redder."""

STRENGTH = np.array([0.28, 0.22, 0.18])
"""Standard deviation of the change of brightness in the middle of a stripe, by colour."""

UNEVEN = 0.5
"""How strong the differences between right and left are, which each part has of its own."""


def _heights_of_components() -> np.ndarray:
    """The height of each stripe in each channel, float64 [STRIPES, 3, SHARED + OWN]."""
    place = (np.arange(STRIPES) + 0.5) / STRIPES
    even, odd = (np.cos(np.pi * np.outer(place, waves)) for waves in ((2, 4), (1, 3)))
    waves = np.concatenate([even, UNEVEN * odd], axis=1)
    heights = np.einsum("sw,cr->srwc", waves, STRENGTH[:, None] * _COLOURS)
    return heights.reshape(STRIPES, 3, SHARED + OWN)


_HEIGHTS = _heights_of_components()


def heights(looks: dict[str, Look]) -> np.ndarray:
    """Change of the logarithm of brightness in the middle of each of AREAS by channel, [n, 3]."""
    return np.concatenate([_HEIGHTS @ looks[part].complexion for part in PARTS])
