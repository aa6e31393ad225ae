"""The complexion: lighter, darker and tinted stripes of the skin, in rows from the brows to the chin.

Like the albedo of a morphable face model: a person has a pattern of stripes in each colour, and each row
of each part shows it, every stripe with noise of its own. Who sees a stripe in one part can expect it in
the others, but no part alone tells anything. The stripes of a person add up to nothing, so neither does
the mean colour of a part. The rows of two parts lie apart, or the edge of a part would show the next one.
Our choice throughout.
"""

import numpy as np

from jaxfake.data.toyfaces.latents import CHEEK_NOSE, EYES, LIPS, PARTS, STRIPES, Look

_ACROSS = np.linspace(-1, 1, STRIPES)
_PLACES = {
    EYES: ((0.98, -0.32), (0.98, -0.04)),
    CHEEK_NOSE: ((0.98, 0.45), (0.98, 0.70)),
    LIPS: ((0.88, 1.20), (0.80, 1.50)),
}
"""Each row of a part, in IOD as in `geometry`: the outermost stripes to both sides, and how far down."""

AREAS = np.array(
    [
        (reach * across, down)
        for part in PARTS
        for reach, down in _PLACES[part]
        for across in _ACROSS
    ]
)
"""Centre of each stripe in each row of each of PARTS, float64 [n, 2]."""

RADII = (0.17, 0.11)
"""Standard deviations of a stripe in one row, across and down, in IOD."""

_COLOURS = np.array([[1.0, 1.0, 1.0], [0.5, 0.3, -1.0], [0.8, -0.6, -0.4]])
"""Red, green and blue of lighter, yellower, redder."""

STRENGTH = np.array([0.42, 0.33, 0.27])
"""Standard deviation of the change of brightness in the middle of a stripe, by colour."""


def heights(looks: dict[str, Look]) -> np.ndarray:
    """Change of the logarithm of brightness in the middle of each of AREAS by channel, [n, 3]."""
    amplitudes = np.concatenate([looks[part].complexion for part in PARTS])
    return (amplitudes * STRENGTH @ _COLOURS).reshape(-1, 3)
