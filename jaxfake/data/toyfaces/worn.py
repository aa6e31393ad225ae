"""What lies before a face: glasses, things that hide a part of it, and a shadow on one side.

It is put over real and forged frames alike, after the blend.
"""

import dataclasses

import cv2
import numpy as np

from jaxfake.data.toyfaces.geometry import IOD
from jaxfake.faces.ibug68 import CHIN, LEFT_EYE, NOSE_ROOT, RIGHT_EYE

GLASSES, COVER, SHADOW = 0.08, 0.06, 0.12
"""Shares of the clips that have each."""


@dataclasses.dataclass(frozen=True)
class Glasses:
    size: float  # half the width of a glass, IOD
    frame: float  # width of the frame, IOD
    colour: tuple[float, float, float]
    tint: float  # how much of the colour the glasses themselves have, 0 to 1


@dataclasses.dataclass(frozen=True)
class Cover:
    """Something round, such as a hand or a microphone."""

    place: np.ndarray  # float64 [2]: across the face in IOD, and from the eyes (0) to the chin (1)
    radii: tuple[float, float]  # IOD
    colour: tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Shadow:
    angle: float  # radians, of the direction in which it grows darker
    edge: float  # where it begins, IOD from the middle of the face
    depth: float  # share of the light that is missing


@dataclasses.dataclass(frozen=True)
class Worn:
    """What lies before the face in one clip; None where there is nothing of a kind."""

    glasses: Glasses | None
    cover: Cover | None
    shadow: Shadow | None


def draw_worn(rng: np.random.Generator) -> Worn:
    return Worn(
        _draw_glasses(rng) if rng.random() < GLASSES else None,
        _draw_cover(rng) if rng.random() < COVER else None,
        _draw_shadow(rng) if rng.random() < SHADOW else None,
    )


def _draw_glasses(rng: np.random.Generator) -> Glasses:
    return Glasses(
        rng.uniform(0.36, 0.46),
        rng.uniform(0.03, 0.08),
        _colour(rng, 20, 110),
        rng.uniform(0, 0.35),
    )


def _draw_cover(rng: np.random.Generator) -> Cover:
    place = np.array([rng.uniform(-1, 1), rng.uniform(-0.3, 1)])
    return Cover(place, (rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.5)), _colour(rng, 20, 230))


def _draw_shadow(rng: np.random.Generator) -> Shadow:
    return Shadow(rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.8), rng.uniform(0.2, 0.5))


def _colour(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    red, green, blue = rng.uniform(low, high, 3).tolist()
    return red, green, blue


@dataclasses.dataclass(frozen=True)
class Covered:
    image: np.ndarray  # float32 [H, W, 3], RGB, 0..255
    hidden: np.ndarray  # bool [H, W]: nothing of the face is seen


def wear(worn: Worn, image: np.ndarray, landmarks: np.ndarray) -> Covered:
    """A face float32 [H, W, 3] with landmarks [68, 2] behind what is worn."""
    image, hidden = image.copy(), np.zeros(image.shape[:2], np.uint8)
    if worn.shadow is not None:
        image *= _darkness(worn.shadow, landmarks, len(image))[..., None]
    if worn.glasses is not None:
        _put_on(worn.glasses, landmarks, image)
    if worn.cover is not None:
        _hide(worn.cover, landmarks, image, hidden)
    return Covered(image, hidden > 0)


def _darkness(shadow: Shadow, landmarks: np.ndarray, size: int) -> np.ndarray:
    """The share of the light that is left, float32 [H, W]; the edge is about one IOD wide."""
    unit, middle = IOD * size, landmarks[NOSE_ROOT : NOSE_ROOT + 4].mean(axis=0)
    x, y = (np.arange(size) - middle[:, None]) / unit
    along = x * np.cos(shadow.angle) + y[:, None] * np.sin(shadow.angle) - shadow.edge
    return (1 - shadow.depth / (1 + np.exp(-5 * along))).astype(np.float32)


def _put_on(glasses: Glasses, landmarks: np.ndarray, image: np.ndarray) -> None:
    """Draws two glasses and the bridge between them into the image."""
    unit = IOD * len(image)
    centres = [landmarks[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    thick = max(round(glasses.frame * unit), 1)
    axes = (round(glasses.size * unit), round(0.8 * glasses.size * unit))
    tinted = image.copy()
    for x, y in centres:
        cv2.ellipse(tinted, (round(x), round(y)), axes, 0, 0, 360, glasses.colour, -1, cv2.LINE_AA)
    image += np.float32(glasses.tint) * (tinted - image)
    for x, y in centres:
        cv2.ellipse(
            image, (round(x), round(y)), axes, 0, 0, 360, glasses.colour, thick, cv2.LINE_AA
        )
    (x, y), (to_x, to_y) = centres
    start, stop = (round(x + axes[0]), round(y)), (round(to_x - axes[0]), round(to_y))
    cv2.line(image, start, stop, glasses.colour, thick, cv2.LINE_AA)


def _hide(cover: Cover, landmarks: np.ndarray, image: np.ndarray, hidden: np.ndarray) -> None:
    """Draws the cover into the image, and where it is into `hidden`."""
    unit, root = IOD * len(image), landmarks[NOSE_ROOT]
    x, y = root + cover.place[1] * (landmarks[CHIN] - root) + [cover.place[0] * unit, 0]
    axes = (round(cover.radii[0] * unit), round(cover.radii[1] * unit))
    cv2.ellipse(image, (round(x), round(y)), axes, 0, 0, 360, cover.colour, -1)
    cv2.ellipse(hidden, (round(x), round(y)), axes, 0, 0, 360, 255, -1)
