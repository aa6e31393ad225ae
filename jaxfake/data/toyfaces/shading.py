"""Light on a painted face: a relief of separable bumps, lit from one direction."""

import dataclasses
from typing import NamedTuple

import cv2
import numpy as np

from jaxfake.data.toyfaces import complexion
from jaxfake.data.toyfaces.geometry import Shape
from jaxfake.data.toyfaces.latents import CHEEK_NOSE, EYES, LIPS, Light, Scene
from jaxfake.data.toyfaces.painting import Painting
from jaxfake.data.toyfaces.palette import Colour

HEAD_RADII = (1.45, 2.05)
"""Half axes of the head's ellipsoid in IOD."""


class Bumps(NamedTuple):
    """K upright Gaussians as separable profiles: their sum is (down * heights) @ across.T."""

    across: np.ndarray  # float32 [W, K]
    down: np.ndarray  # float32 [H, K]
    slope_across: np.ndarray  # float32 [W, K], derivative by x
    slope_down: np.ndarray  # float32 [H, K], derivative by y
    heights: np.ndarray  # float32 [K]

    def field(self) -> np.ndarray:
        """The sum of the bumps, float32 [H, W]."""
        return (self.down * self.heights) @ self.across.T


_Row = tuple[np.ndarray, float, float, float]
"""One bump: centre in pixels, x and y radius in IOD, height (of a relief in IOD)."""


@dataclasses.dataclass(frozen=True)
class Relief:
    """Slope of the surface towards the viewer, each [H, W]."""

    x: np.ndarray
    y: np.ndarray


def shade(painting: Painting, scene: Scene, shape: Shape, blush: Colour) -> np.ndarray:
    """The painting under the scene's light, float32 [H, W, 3], 0..255 or a little beyond."""
    size = len(painting.head)
    # One plane a channel: NumPy is several times faster than with the three channels last.
    colour = np.array(cv2.split(painting.colour), np.float32)
    head = painting.head.astype(np.float32) * np.float32(1 / 255)
    colour += (np.array(blush, np.float32)[:, None, None] - colour) * (
        _blush(scene, shape, size).field() * head
    )
    lit = light_field(scene.light, _relief(scene, shape, size))
    lit *= 1 - _cast_shadows(scene.light, shape, size).field()
    lit *= _complexion(scene, shape, size)
    lit -= 1
    lit *= head
    lit += 1
    return cv2.merge(list(colour * lit))


def light_field(light: Light, relief: Relief) -> np.ndarray:
    """Brightness by channel of a surface, float32 [3, H, W], about 1 where it faces the viewer."""
    direction = np.array([0.95 * light.side, -0.28 - 0.28 * light.height, 0.72])
    x, y, z = (direction / np.linalg.norm(direction)).astype(np.float32)
    steep = relief.x * relief.x + relief.y * relief.y + 1
    facing = np.maximum((z - x * relief.x - y * relief.y) / np.sqrt(steep), 0)
    strength = 0.80 + 0.16 * light.contrast
    warm = np.array([0.10, 0.01, -0.12]) * light.temperature
    key = (strength * (1 + warm)).astype(np.float32)
    ambient = ((0.86 - 0.66 * strength) * (1 - 0.9 * warm)).astype(np.float32)
    squared = facing * facing
    gloss = np.float32(0.10) * (squared * squared * squared) ** 2
    return facing * key[:, None, None] + (ambient[:, None, None] + gloss)


def _relief(scene: Scene, shape: Shape, size: int) -> Relief:
    """The head's ellipsoid plus the bumps of the face."""
    middle = (shape.landmarks[27] + shape.landmarks[51])[:, None] / 2
    radii = np.array(HEAD_RADII)[:, None] * shape.unit
    x, y = ((np.arange(size) - middle) / radii).astype(np.float32)
    depth = np.sqrt(np.maximum(1 - x * x - (y * y)[:, None], np.float32(0.15)))
    bumps = _face_bumps(scene, shape, size)
    return Relief(
        x=(bumps.down * bumps.heights) @ bumps.slope_across.T - np.float32(0.8) * x / depth,
        y=(bumps.slope_down * bumps.heights) @ bumps.across.T
        - np.float32(0.6) * y[:, None] / depth,
    )


def _face_bumps(scene: Scene, shape: Shape, size: int) -> Bumps:
    """What rises and sinks: forehead, sockets, nose, cheeks, lips, chin; radii and heights in IOD."""
    marks, looks = shape.landmarks, scene.looks
    cheeks, lips = looks[CHEEK_NOSE], looks[LIPS]
    big, big_lips = 0.03 * cheeks.style.size, 0.03 * lips.style.size
    ridge, chin = (-0.03 * looks[part].style.roundness for part in (EYES, LIPS))
    right, left = marks[36:42].mean(axis=0), marks[42:48].mean(axis=0)
    cheek = 0.11 + 0.09 * max(cheeks.expression.valence, 0) - 0.05 * cheeks.style.age
    rows = [
        (marks[[19, 24]].mean(axis=0) - [0, 0.45 * shape.unit], 0.60, 0.28, 0.12),
        (marks[19], 0.30, 0.13, 0.05 + ridge),
        (marks[24], 0.30, 0.13, 0.05 + ridge),
        (right, 0.27, 0.18, -0.075),
        (left, 0.27, 0.18, -0.075),
        (marks[28], 0.10, 0.30, 0.10),
        (marks[29], 0.12, 0.22, 0.08),
        (marks[30] + [0, 0.03 * shape.unit], 0.17 + big, 0.14 + big, 0.15),
        (marks[31], 0.09, 0.09, 0.05),
        (marks[35], 0.09, 0.09, 0.05),
        (shape.pairs.cheeks[0, 0], 0.30, 0.25, cheek),
        (shape.pairs.cheeks[1, 0], 0.30, 0.25, cheek),
        (marks[51], 0.30, 0.08, 0.03 + big_lips),
        (marks[57] - [0, 0.05 * shape.unit], 0.26, 0.09, 0.05 + big_lips),
        (marks[57] + [0, 0.13 * shape.unit], 0.24, 0.09, -0.05),
        (marks[8] - [0, 0.24 * shape.unit], 0.30, 0.18, 0.12 + chin),
    ]
    return _bumps(rows, shape.unit, size)


def _cast_shadows(light: Light, shape: Shape, size: int) -> Bumps:
    """Darkness beside the nose and its bridge, below nose, lower lip and chin."""
    marks, unit = shape.landmarks, shape.unit
    away = -light.side * unit
    strength = abs(light.side) * (0.8 + 0.2 * light.contrast)
    rows = [
        (marks[30] + [0.23 * away, 0.05 * unit], 0.13, 0.19, 0.30 * strength),
        (marks[28] + [0.20 * away, 0.0], 0.10, 0.22, 0.20 * strength),
        (marks[33] + [0.08 * away, 0.10 * unit], 0.20, 0.07, 0.14),
        (marks[57] + [0.10 * away, 0.12 * unit], 0.25, 0.06, 0.10),
        (marks[8] + [0.25 * away, 0.22 * unit], 0.65, 0.20, 0.22),
    ]
    return _bumps(rows, unit, size)


def _blush(scene: Scene, shape: Shape, size: int) -> Bumps:
    look = scene.looks[CHEEK_NOSE]
    smile, makeup = max(look.expression.valence, 0), max(look.style.makeup, 0)
    amount = 0.12 + 0.22 * smile + 0.38 * makeup
    return _bumps(
        [(cheek, 0.24, 0.17, amount) for cheek in shape.pairs.cheeks[:, 0]], shape.unit, size
    )


def _complexion(scene: Scene, shape: Shape, size: int) -> np.ndarray:
    """The factor of the brightness by channel, float32 [3, H, W]."""
    rows = [(place, *complexion.RADII, 1.0) for place in shape.middle.areas]
    areas = _bumps(rows, shape.unit, size)
    channels = complexion.heights(scene.looks).astype(np.float32).T
    return np.exp([areas._replace(heights=one).field() for one in channels])


def _bumps(rows: list[_Row], unit: float, size: int) -> Bumps:
    centres = np.array([row[0] for row in rows]).T[:, None]  # [2, 1, K]
    table = np.array([row[1:] for row in rows])
    radii = table[:, :2].T[:, None] * unit
    scaled = ((np.arange(size)[:, None] - centres) / radii).astype(np.float32)
    profiles = np.exp(np.float32(-0.5) * scaled * scaled)
    slopes = -scaled * profiles * (unit / radii).astype(np.float32)
    return Bumps._make([*profiles, *slopes, table[:, 2].astype(np.float32)])
