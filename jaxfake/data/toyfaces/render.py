"""A finished toy face: picture and exact landmarks of one scene."""

import dataclasses

import numpy as np

from jaxfake.data.toyfaces.geometry import project
from jaxfake.data.toyfaces.latents import CHEEK_NOSE, Scene
from jaxfake.data.toyfaces.painting import paint
from jaxfake.data.toyfaces.palette import palettes
from jaxfake.data.toyfaces.shading import shade


@dataclasses.dataclass(frozen=True)
class Face:
    image: np.ndarray  # float32 [H, W, 3], RGB, 0..255
    landmarks: np.ndarray  # float32 [68, 2], iBUG-68, x then y, pixels


def landmarks_of(scene: Scene, size: int) -> np.ndarray:
    """The landmarks that `render` would give, without the picture: float32 [68, 2]."""
    return project(scene, size).landmarks.astype(np.float32)


def render(scene: Scene, size: int) -> Face:
    """The face of `scene` in a crop of `size` x `size` pixels, before any camera."""
    shape, colours = project(scene, size), palettes(scene.looks)
    flat = paint(scene, shape, colours, size)
    image = shade(flat, scene, shape, colours[CHEEK_NOSE].blush)
    return Face(np.clip(image, 0, 255).astype(np.float32), shape.landmarks.astype(np.float32))
