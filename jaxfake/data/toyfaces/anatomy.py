"""The right half of a face at rest in front of us: points from proportions, style and expression.

Units and axes as in `geometry`. This file is where a latent becomes a shape: roundness, size and
the three expressions each move points of the eyes, the nose and cheeks, and the lips alike.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jaxfake.data.toyfaces.complexion import AREAS
from jaxfake.data.toyfaces.latents import (
    CHEEK_NOSE,
    EYES,
    LIPS,
    OUTLINE,
    Expression,
    Identity,
    Look,
    Proportions,
    Style,
)
from jaxfake.faces.ibug68 import CHIN

_JAW_COS = np.append(np.cos(np.linspace(0, np.pi / 2, 9))[:8], 0.0)
_JAW_SIN = np.sin(np.linspace(0, np.pi / 2, 9))
_ARCH = np.linspace(np.pi, 0, 9)
_ARCH_X, _ARCH_Y = np.cos(_ARCH), -(np.sin(_ARCH).clip(0) ** 0.8)

_ALONG_BROW = np.array([0, 0.25, 0.5, 0.75, 1.0])
_BROW_ARC = np.sin(np.pi * _ALONG_BROW)
_ROUND_BROW = np.array([0.0, -0.10, -0.13, -0.10, -0.02])
_PEAKED_BROW = np.array([0.02, -0.15, -0.14, -0.07, 0.0])
_BROW_PROFILE = np.array([0.35, 0.8, 1.0, 1.1, 0.95])

_LIP_ROWS = np.array([48, 49, 50, 51, 57, 58, 59, 60, 61, 62, 66, 67])
_LIP_X = np.array([-1, -0.62, -0.24, 0, 0, -0.30, -0.68, -0.88, -0.40, 0, 0, -0.40])
_LIP_BEND = np.abs(_LIP_X) ** 1.6 - 0.35

_SMILE_LINE = np.array([[-0.03, -0.06], [-0.13, 0.14], [-0.20, 0.34]])
_SMILE_PULL = np.array([[0.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
_CROW = np.array([[-0.05, 0.0], [-0.11, -0.02], [-0.17, -0.05], [-0.22, -0.09]])
_LOW_CROW = np.array([[-0.05, 0.04], [-0.11, 0.06], [-0.17, 0.09], [-0.21, 0.13]])
_FURROW = np.array([[0.07, -0.10], [0.09, -0.03], [0.085, 0.05], [0.06, 0.12]])
_FOLD = np.array([[0, -0.04], [0, -0.085], [0, -0.08], [0, -0.03]])
_UNDER = np.array([[0.06, 0.08], [0.0, 0.10], [0.0, 0.10], [-0.04, 0.08]])
_CHIN_LINE = np.array([[-0.04, 0.06], [-0.08, 0.15], [-0.10, 0.25], [-0.07, 0.36]])
_WING = np.array([[0.10, -0.34], [0.05, -0.20], [-0.015, -0.07], [0.045, 0.035]])

_FOREHEAD_X = np.linspace(-0.6, 0.6, 4)
_FOREHEAD_LINE = np.stack([_FOREHEAD_X, -0.06 * (1 - _FOREHEAD_X**2)], axis=1)

_PROTRUSION = np.zeros(68)
_PROTRUSION[17:27] = 0.05
_PROTRUSION[27:31] = [0.06, 0.16, 0.27, 0.36]
_PROTRUSION[31:36] = [0.10, 0.18, 0.22, 0.18, 0.10]
_PROTRUSION[36:48] = -0.04
_PROTRUSION[48:68] = 0.07


class Pairs(NamedTuple):
    """What a face has two of: here the right ones alone, curves [4, 2] and points [1, 2]."""

    lid_folds: np.ndarray  # crease over the eye
    smile_lines: np.ndarray  # from the nostril past the mouth corner
    crows_feet: np.ndarray
    low_crows_feet: np.ndarray
    brow_furrows: np.ndarray
    under_eyes: np.ndarray
    wings: np.ndarray  # side of the nose
    chin_lines: np.ndarray  # down from the mouth corner
    irises: np.ndarray  # centre
    cheeks: np.ndarray  # centre of the cheek bone
    ears: np.ndarray  # centre
    collar: np.ndarray  # where neck and shoulder meet


class Middle(NamedTuple):
    """What crosses the middle line, from the right to the left side."""

    cranium: np.ndarray  # [9, 2] from temple over the top to temple
    hairline: np.ndarray  # [9, 2] likewise, along the forehead
    lower_forehead_line: np.ndarray  # [4, 2]
    upper_forehead_line: np.ndarray  # [4, 2]
    freckles: np.ndarray  # [n, 2]
    areas: np.ndarray  # [n, 2], those of `complexion.AREAS`


def half_face(prop: Proportions, looks: Mapping[str, Look]) -> np.ndarray:
    """Landmarks of the right half and the middle line, [68, 2]; the rest is zero."""
    points = np.zeros((68, 2))
    points[0:9] = _jaw(prop, looks[OUTLINE].style, looks[OUTLINE].expression)
    points[17:22] = _brow(prop, looks[EYES].style, looks[EYES].expression)
    points[36:42] = _eye(prop, looks[EYES].style, looks[EYES].expression)
    points[27:34] = _nose(prop, looks[CHEEK_NOSE].style, looks[CHEEK_NOSE].expression)
    points[_LIP_ROWS] = _lips(prop, looks[LIPS].style, looks[LIPS].expression)
    return points


def _jaw(prop: Proportions, style: Style, expression: Expression) -> np.ndarray:
    """A superellipse from the ear to the chin: oval if round, squared with a flat chin if angular."""
    width = 1.17 + 0.09 * prop.face_width + 0.03 * style.roundness
    drop = 0.10 * max(expression.surprise, 0) - 0.02 * expression.squint
    length = 1.92 + 0.09 * prop.face_length + drop
    power = 2 / (2.45 - 0.55 * style.roundness)
    y = (length + 0.05) * _JAW_SIN**power - 0.05
    x = -width * _JAW_COS**power * (1 - 0.13 * (y / length) ** 2)
    return np.stack([x, y], axis=1)


def _brow(prop: Proportions, style: Style, expression: Expression) -> np.ndarray:
    upset, smile = max(-expression.valence, 0), max(expression.valence, 0)
    share = (style.roundness + 1) / 2
    height = -0.33 - 0.12 * expression.surprise + 0.05 * expression.squint - 0.05 * style.size
    height += 0.13 * upset + 0.03 * prop.eye_height
    y = height + share * _ROUND_BROW + (1 - share) * _PEAKED_BROW
    y += -0.34 * upset * _ALONG_BROW - 0.13 * smile * _BROW_ARC
    start = -0.86 - 0.03 * prop.eye_gap
    x = start + (0.66 + 0.04 * expression.squint - 0.05 * upset) * _ALONG_BROW
    return np.stack([x, y], axis=1)


def brow_widths(style: Style) -> np.ndarray:
    """Half the thickness at the five points of a brow, outer end first, in IOD."""
    return 0.062 * (1 + 0.68 * style.thickness) * _BROW_PROFILE


def _eye(prop: Proportions, style: Style, expression: Expression) -> np.ndarray:
    """Outer corner, two points of the upper lid, inner corner, two of the lower lid."""
    upset, smile = max(-expression.valence, 0), max(expression.valence, 0)
    width = 0.275 * (1 + 0.17 * style.size - 0.06 * style.roundness)
    wide = 1 + 0.38 * expression.surprise - 0.42 * expression.squint
    upper = max(0.145 + 0.03 * style.roundness + 0.025 * style.size, 0.05) * wide
    lower = 0.115 * (1 + 0.2 * style.size)
    lower *= 1 + 0.25 * expression.surprise - 0.3 * expression.squint
    lower = max(lower - 0.14 * smile, -0.035)
    tilt = -0.025 + 0.045 * style.roundness + 0.075 * upset - 0.02 * smile
    bulge = 0.5 + 0.12 * style.roundness
    x = np.array([-1, -bulge, 0.38, 1, 0.4, -0.5]) * width
    outer, inner = -upper + 0.06 * upset + 0.4 * tilt, -upper - 0.03 * upset
    # Lids never cross: the opening keeps a sliver even when a squint meets a smile.
    low = lower + 0.3 * tilt
    y = np.array([tilt, outer, inner, 0.05, max(low, inner + 0.055), max(low, outer + 0.055)])
    x += -0.5 - 0.035 * prop.eye_gap
    return np.stack([x, y + 0.03 * prop.eye_height], axis=1)


def _nose(prop: Proportions, style: Style, expression: Expression) -> np.ndarray:
    """Bridge 27..30, then the nostril line 31, 32, 33."""
    tip = 0.57 + 0.05 * prop.nose_length
    base = tip + 0.15 + 0.03 * style.roundness
    wing = 0.215 * (1 + 0.24 * style.roundness + 0.16 * style.size)
    wing *= 1 + 0.09 * max(expression.valence, 0) + 0.07 * expression.squint
    lift = 0.035 * max(expression.squint, 0) + 0.025 * max(expression.valence, 0)
    step = (tip + 0.06) / 3
    bridge = [(0, -0.06), (0, step - 0.06), (0, 2 * step - 0.06), (0, tip)]
    line = [(-wing, base - 0.05 - lift), (-wing * 0.5, base - lift * 0.5), (0, base + 0.025)]
    return np.array(bridge + line)


def _lips(prop: Proportions, style: Style, expression: Expression) -> np.ndarray:
    """Right half of the lips in the order of _LIP_ROWS: outer above, outer below, inner."""
    valence, smile = expression.valence, max(expression.valence, 0)
    middle = 1.17 + 0.045 * prop.mouth_height
    half = 0.44 * (1 + 0.12 * style.size + 0.22 * valence)
    half *= 1 - 0.2 * max(expression.surprise, 0) + 0.08 * expression.squint
    full = max(1 + 0.34 * style.size + 0.30 * style.roundness - 0.26 * expression.squint, 0.35)
    upper, lower = 0.115 * full * (1 - 0.2 * smile), 0.155 * full * (1 - 0.12 * smile)
    gap = 0.18 * max(expression.surprise, 0) + 0.10 * smile * smile + 0.012
    bow = upper * (0.30 - 0.22 * style.roundness)
    top, bottom = -gap, gap * 1.1
    outer_above = [0, top - upper * 0.72, top - upper - bow * 0.5, top - upper + bow]
    outer_below = [bottom + lower, bottom + lower * 0.93, bottom * 0.8 + lower * 0.60]
    inner = [0, top * 0.86, top, bottom, bottom * 0.86]
    y = np.array(outer_above + outer_below + inner)
    # Corners rise when smiling and fall when upset: the whole mouth bends.
    y += middle - 0.25 * valence * _LIP_BEND
    return np.stack([half * _LIP_X, y], axis=1)


def right_side(looks: Mapping[str, Look], half: np.ndarray) -> Pairs:
    """What there is two of, on the right side."""
    eye, brow, nostril, corner = half[36:42], half[17:22], half[31], half[48]
    smile = max(looks[CHEEK_NOSE].expression.valence, 0)
    smile_line = np.empty((4, 2))
    smile_line[:3] = nostril + _SMILE_LINE + (0.05 + 0.10 * smile) * _SMILE_PULL
    smile_line[3] = corner[0] - 0.07, corner[1] + 0.10
    iris = eye[:, 0].mean() + 0.01, 0.25 * eye[[1, 2, 4, 5], 1].sum()
    return Pairs(
        lid_folds=eye[:4] + _FOLD,
        smile_lines=smile_line,
        crows_feet=eye[0] + _CROW,
        low_crows_feet=eye[0] + _LOW_CROW,
        brow_furrows=brow[4] + _FURROW,
        under_eyes=eye[[0, 5, 4, 3]] + _UNDER,
        wings=nostril + _WING,
        chin_lines=corner + _CHIN_LINE,
        irises=np.array([iris]),
        cheeks=np.array([[-0.70, 0.55 - 0.10 * smile]]),
        ears=np.array([[half[0, 0] - 0.04, 0.22]]),
        collar=np.array([[-0.62, half[CHIN, 1] + 0.12]]),
    )


def middle_curves(identity: Identity, expression: Expression, half: np.ndarray) -> Middle:
    """What crosses the middle line; the expression is that of the eyes, whose brows lift it."""
    width, prop = -half[0, 0], identity.proportions
    height = 1.72 + 0.06 * prop.face_length
    hairline_height = 1.10 + 0.12 * prop.hairline
    lift = -0.05 * expression.surprise - 0.02 * max(-expression.valence, 0)
    return Middle(
        cranium=np.stack([1.06 * width * _ARCH_X, 0.05 + height * _ARCH_Y], axis=1),
        hairline=np.stack([0.93 * width * _ARCH_X, hairline_height * _ARCH_Y - 0.10], axis=1),
        lower_forehead_line=_FOREHEAD_LINE + np.array([0, lift - 0.72]),
        upper_forehead_line=_FOREHEAD_LINE + np.array([0, lift - 0.90]),
        freckles=_freckles(identity, width),
        areas=AREAS,
    )


def _freckles(identity: Identity, width: float) -> np.ndarray:
    """Over nose, cheeks, forehead and chin, inside the jaw line, [n, 2]."""
    x, y = identity.texture.freckles[:, 0], identity.texture.freckles[:, 1]
    down = 0.45 + 1.25 * y
    reach = width * 0.86 * np.sqrt(np.maximum(1 - ((down - 0.1) / 1.85) ** 2, 0.05))
    return np.stack([x * reach, down], axis=1)


def protrusion(style: Style) -> np.ndarray:
    """What stands out of the ellipsoid of the head at each landmark, [68] in IOD."""
    out = _PROTRUSION.copy()
    out[27:31] += 0.03 * style.size
    return out
