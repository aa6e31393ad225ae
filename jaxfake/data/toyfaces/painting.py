"""Painting a whole face in flat colours, back to front."""

import dataclasses

import numpy as np

from jaxfake.data.toyfaces.canvas import Canvas, blank, shrunk
from jaxfake.data.toyfaces.curves import closed, opened
from jaxfake.data.toyfaces.features import (
    paint_brows,
    paint_eyes,
    paint_lips,
    paint_nostrils,
    paint_skin,
)
from jaxfake.data.toyfaces.geometry import Shape
from jaxfake.data.toyfaces.hair import paint_back_hair, paint_front_hair
from jaxfake.data.toyfaces.latents import CHEEK_NOSE, EYES, LIPS, OUTLINE, Scene
from jaxfake.data.toyfaces.palette import Palette, Palettes
from jaxfake.faces import ibug68


@dataclasses.dataclass(frozen=True)
class Painting:
    """Flat colours, and how much of each pixel the head covers."""

    colour: np.ndarray  # uint8 [H, W, 3], RGB
    head: np.ndarray  # uint8 [H, W], 255 = head, hair, neck, clothes; 0 = background


def paint(scene: Scene, shape: Shape, palettes: Palettes, size: int) -> Painting:
    """The picture of `scene` before light falls on it."""
    canvas = blank(scene.background, size)
    outline = palettes[OUTLINE]
    paint_back_hair(canvas, scene, shape, outline)
    _body(canvas, shape, outline, size)
    _head(canvas, shape, outline)
    paint_skin(canvas, scene, shape, outline)
    paint_eyes(canvas, scene, shape, palettes[EYES])
    paint_nostrils(canvas, scene, shape, palettes[CHEEK_NOSE])
    paint_lips(canvas, scene, shape, palettes[LIPS])
    paint_brows(canvas, shape, palettes[EYES])
    paint_front_hair(canvas, scene, shape, outline)
    pixels = shrunk(canvas, size)
    return Painting(pixels[..., :3], pixels[..., 3])


def _body(canvas: Canvas, shape: Shape, palette: Palette, size: int) -> None:
    unit, (left, right) = shape.unit, shape.pairs.collar[:, 0]
    jaw = shape.landmarks[[4, 12]]
    feet = np.array([[right[0] + 0.05 * unit, size], [left[0] - 0.05 * unit, size]])
    slope = unit * np.array([1.9, 0.45])
    shoulders = [left + slope * (-1, 1), left, right, right + slope]
    base = [[2 * size, 2 * size], [-size, 2 * size]]
    canvas.fill(np.array(shoulders + base), palette.clothes)
    canvas.fill(np.concatenate([jaw[:1], jaw[1:], [right], feet, [left]]), palette.skin_shade)


def _head(canvas: Canvas, shape: Shape, palette: Palette) -> None:
    for ear in shape.pairs.ears:
        canvas.fill(closed(ear + shape.unit * _EAR), palette.skin_shade)
    jaw = shape.landmarks[ibug68.JAW]
    canvas.fill(np.concatenate([opened(jaw), opened(shape.middle.cranium)[::-1]]), palette.skin)


_EAR = np.array([[0, -0.27], [0.15, -0.12], [0.11, 0.16], [0, 0.26], [-0.11, 0.16], [-0.15, -0.12]])
