"""Photographs of toy faces, which the face models find as they find people."""

import functools

import numpy as np

from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.latents import draw_identity
from jaxfake.data.toyfaces.render import render

_MARGIN = 40


@functools.cache
def drawn_photo(person: int, size: int = 176) -> np.ndarray:
    """A photograph of a toy person, uint8 [size + 80, size + 80, 3], RGB."""
    return drawn_clip(person, 1, size)[0]


@functools.cache
def drawn_clip(person: int, frames: int, size: int = 176) -> tuple[np.ndarray, ...]:
    """Frames of a clip of a toy person, each like a photograph."""
    rng = np.random.default_rng(person)
    clip = draw_clip(rng, draw_identity(rng), frames)
    edges = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
    faces = (render(scene, size).image.astype(np.uint8) for scene in clip.scenes())
    return tuple(np.pad(face, edges, mode="edge") for face in faces)
