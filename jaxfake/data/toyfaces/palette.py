"""Colours of a toy face: every part's colour follows from the same few latents."""

import colorsys
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from jaxfake.data.toyfaces.latents import Colours, Look, Style

Colour = tuple[float, float, float]
"""RGB, 0..255."""

_SKINS = np.array(
    [[250, 214, 192], [240, 196, 164], [224, 172, 134], [196, 138, 102], [150, 98, 70]]
)
_HAIRS = np.array([[38, 30, 30], [76, 50, 36], [128, 72, 42], [182, 134, 76], [226, 196, 138]])
_GREY = np.array([168, 166, 168])
_IRISES = np.array([[62, 40, 28], [92, 58, 32], [112, 98, 46], [72, 122, 92], [84, 132, 176]])


class Palette(NamedTuple):
    """The flat colour of everything that `painting` draws, before light falls on it."""

    skin: Colour
    skin_shade: Colour  # folds, side of the nose, under the chin
    line: Colour  # wrinkles and the outline of nose and lids
    freckle: Colour
    blush: Colour
    lid: Colour
    lash: Colour
    sclera: Colour
    iris: Colour
    pupil: Colour
    glint: Colour
    brow: Colour
    hair: Colour
    hair_dark: Colour
    hair_light: Colour
    nostril: Colour
    lip: Colour
    lip_dark: Colour
    mouth: Colour
    teeth: Colour
    clothes: Colour


Palettes = Mapping[str, Palette]
"""The palette of each part and of the outline."""


def palettes(looks: Mapping[str, Look]) -> Palettes:
    """The palettes of a face."""
    return {part: palette(look.colours, look.style) for part, look in looks.items()}


@lru_cache(maxsize=256)
def palette(colours: Colours, style: Style) -> Palette:
    """The palette of one part."""
    skin = _ramp(_SKINS, colours.skin_tone)
    skin = np.clip(skin + colours.undertone * np.array([-3, 5, -15]), 0, 255)
    # Fair hair is rarer on deep skin, and light eyes go with fair hair.
    tone = colours.hair_tone - 0.35 * (1 + colours.skin_tone) * (colours.hair_tone > 0)
    hair, iris = _ramp(_HAIRS, tone), _ramp(_IRISES, tone)
    hair = _mix(hair, _GREY + 40 * colours.hair_tone, 0.85 * max(style.age, 0))
    makeup = np.array(_makeup(colours.makeup_hue))
    strength = max(style.makeup, 0) ** 0.7
    natural_lip = skin * [0.84, 0.56, 0.55] + [12, 8, 12]
    natural_lip = _mix(natural_lip, skin * 0.82, 0.5 * max(style.age, 0))
    lip = _mix(natural_lip, makeup, 0.75 * strength)
    shade = skin * [0.80, 0.70, 0.66]
    line = skin * [0.60, 0.48, 0.44]
    return Palette(
        skin=_tuple(skin),
        skin_shade=_tuple(shade),
        line=_tuple(line),
        freckle=_tuple(skin * [0.68, 0.50, 0.40]),
        blush=_tuple(_mix(skin * [1.0, 0.66, 0.64], makeup, 0.4 * strength)),
        lid=_tuple(_mix(skin * [0.90, 0.84, 0.82], makeup * 0.9, 0.8 * strength)),
        lash=_tuple(_mix(hair * 0.45, np.array([14, 10, 12]), 0.3 + 0.7 * strength)),
        sclera=(247, 244, 240),
        iris=_tuple(iris),
        pupil=(14, 10, 10),
        glint=(255, 255, 255),
        brow=_tuple(_mix(hair * 0.72, skin, 0.08)),
        hair=_tuple(hair),
        hair_dark=_tuple(hair * 0.62),
        hair_light=_tuple(np.clip(hair * 1.22 + 10, 0, 255)),
        nostril=_tuple(skin * [0.42, 0.28, 0.26]),
        lip=_tuple(lip),
        lip_dark=_tuple(lip * 0.62),
        mouth=_tuple(lip * 0.30),
        teeth=(250, 246, 238),
        clothes=_tuple(
            np.array(colorsys.hsv_to_rgb((colours.clothes_hue + 1) / 2, 0.5, 0.7)) * 255
        ),
    )


def _makeup(hue: float) -> Colour:
    """From coral over red and berry to violet."""
    red, green, blue = colorsys.hsv_to_rgb((1.03 - 0.14 * (1 + hue)) % 1.0, 0.78, 0.74)
    return 255 * red, 255 * green, 255 * blue


def _ramp(stops: np.ndarray, latent: float) -> np.ndarray:
    place = np.clip((latent + 1) / 2, 0, 1) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    return _mix(stops[low], stops[low + 1], place - low)


def _mix(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    return first * (1 - share) + second * share


def _tuple(colour: np.ndarray) -> Colour:
    red, green, blue = np.clip(colour, 0, 255).tolist()
    return red, green, blue
