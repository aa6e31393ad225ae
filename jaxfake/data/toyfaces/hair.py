"""Painting hair: behind the head, over the forehead, and its strands."""

import numpy as np

from jaxfake.data.toyfaces.canvas import Canvas, Stroke
from jaxfake.data.toyfaces.curves import SAMPLES, opened, rounded
from jaxfake.data.toyfaces.features import blend
from jaxfake.data.toyfaces.geometry import Shape
from jaxfake.data.toyfaces.latents import OUTLINE, Scene
from jaxfake.data.toyfaces.palette import Palette
from jaxfake.faces.ibug68 import CHIN, NOSE_ROOT

LOCKS = 11
"""Corners of the fringe."""

_PLACE = np.linspace(0, 1, LOCKS)
_TEETH = np.where(np.arange(LOCKS) % 2, 0.055, -0.055)
_ALONG_STRAND = np.array([[0.12], [0.4], [0.7], [0.96]])


def paint_back_hair(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    """What is seen of the hair beside and behind the head."""
    outer, down = _outer(scene, shape), _down(shape)
    fall = 0.15 + 1.3 * max(scene.identity.hair.length + 0.35, 0)
    spread = (0.03 + 0.03 * scene.looks[OUTLINE].style.roundness) * min(fall, 1)
    left, right = outer[0], outer[-1]
    out, drop = (right - left) * spread, fall * shape.unit * down
    feet = [right + 0.6 * drop + out, right + drop, left + drop, left + 0.6 * drop - out]
    canvas.fill(np.concatenate([opened(outer), feet]), palette.hair_dark)


def paint_front_hair(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    """The hair over the head down to the fringe, with lighter and darker strands."""
    outer, fringe = opened(_outer(scene, shape)), _fringe(scene, shape)
    canvas.fill(np.concatenate([outer, fringe[::-1]]), palette.hair)
    width = shape.unit * 0.030 * (1 + 0.6 * scene.looks[OUTLINE].style.thickness)
    place, light = scene.identity.texture.strands.T
    tops = outer[(place * (len(outer) - 1)).astype(int)]
    ways = fringe[(place * (len(fringe) - 1)).astype(int)] - tops
    points = tops[:, None] + _ALONG_STRAND * ways[:, None]
    points[:, 1:3] += ((place - 0.5)[:, None] * (fringe[-1] - fringe[0]) * 0.06)[:, None]
    shades = [palette.hair_light if bright > 0.5 else palette.hair_dark for bright in light]
    depths = (0.5 + np.abs(light - 0.5)).tolist()
    colours = [blend(palette.hair, *pair) for pair in zip(shades, depths, strict=True)]
    canvas.draw(
        [Stroke(*line) for line in zip(points, [width] * len(points), colours, strict=True)]
    )


def _outer(scene: Scene, shape: Shape) -> np.ndarray:
    """The outline of the hair from the right temple over the top to the left one, [9, 2]."""
    middle = shape.landmarks[NOSE_ROOT]
    spread = 1.06 + 0.06 * (1 + scene.identity.hair.volume)
    return middle + (shape.middle.cranium - middle) * spread


def _fringe(scene: Scene, shape: Shape) -> np.ndarray:
    """The lower edge of the front hair: locks that are pointed if angular and waves if round."""
    line = opened(shape.middle.hairline)
    locks = line[np.rint(_PLACE * (len(line) - 1)).astype(int)]
    parting = 0.5 + 0.35 * scene.identity.hair.parting
    sweep = np.abs(_PLACE - parting) * 0.30 - 0.06
    length = max(scene.identity.hair.fringe + 0.3, 0) * 0.26 * np.sqrt(np.sin(np.pi * _PLACE))
    lower = sweep + length + _TEETH * (1 + 0.5 * scene.looks[OUTLINE].style.thickness)
    lower[[0, -1]] = 0
    locks = locks + (shape.unit * lower)[:, None] * _down(shape)
    # The closed curve's last span leads back to the first lock: leave it out.
    return rounded(locks, 0.5 + scene.looks[OUTLINE].style.roundness)[: 1 - SAMPLES]


def _down(shape: Shape) -> np.ndarray:
    """Unit vector from the nose root to the chin, in the picture."""
    down = shape.landmarks[CHIN] - shape.landmarks[NOSE_ROOT]
    return down / np.hypot(*down)
