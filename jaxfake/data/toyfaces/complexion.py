"""The complexion: lighter and darker spots of the skin, in patterns that run over the whole face.

Like the albedo of a morphable face model: a few components, each a fixed pattern of spots in the eyes, on
cheeks and nose, and around the lips, the same on the left and the right. Who knows the pattern of one part
knows the others', but no spot alone tells anything. The patterns and all numbers are our choice.
"""

import numpy as np

from jaxfake.data.toyfaces.latents import CHEEK_NOSE, COMPONENTS, EYES, LIPS, Look

_PLACES = {
    EYES: [
        *((0, -0.40), (-0.30, -0.66), (-0.80, -0.62), (-0.95, -0.22)),
        *((-0.50, -0.22), (-0.14, -0.04), (-0.74, 0.02)),
    ],
    CHEEK_NOSE: [
        *((0, 0.46), (-0.34, 0.48), (-0.70, 0.48), (-1.0, 0.60)),
        *((-0.46, 0.72), (-0.80, 0.74), (0, 0.70)),
    ],
    LIPS: [
        *((0, 1.08), (-0.40, 1.10), (-0.80, 1.16), (-0.20, 1.30)),
        *((-0.54, 1.42), (-0.24, 1.66), (0, 1.48)),
    ],
}
SPOTS = np.array([place for places in _PLACES.values() for place in places])
"""Centres of the spots on the middle line and the right side, float64 [n, 2], in IOD as in `geometry`."""

RADIUS = 0.15
"""Standard deviation of a spot in IOD."""

STRENGTH = 0.22
"""Standard deviation of the brightness of a spot, as a share of that of the skin."""


def _patterns() -> dict[str, np.ndarray]:
    """The height of each spot of a part for each component, float64 [spots, COMPONENTS]."""
    rng = np.random.default_rng(68)
    patterns = {}
    for part, places in _PLACES.items():
        directions = np.linalg.qr(rng.standard_normal((len(places), COMPONENTS)))[0]
        # Those on the middle line are drawn twice, once for each side.
        twice = np.array([1.0 if x else 0.5 for x, _ in places])
        patterns[part] = (len(places) / COMPONENTS) ** 0.5 * twice[:, None] * directions
    return patterns


_PATTERNS = _patterns()


def heights(looks: dict[str, Look]) -> np.ndarray:
    """Change of brightness in the middle of each of SPOTS, then of their mirror images, [2 n]."""
    one_side = np.concatenate([_PATTERNS[part] @ looks[part].complexion for part in _PATTERNS])
    return STRENGTH * np.tile(one_side, 2)
