"""What a toy face is drawn from: latents that every part of the face shares.

Every scalar latent of an identity, an expression or a light is uniform in [-1, 1], so that a donor
can be moved far away from a target without changing how often any value occurs (`far_from`).
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

FAR = (0.9, 1.1)
"""How far a donor's latents are moved, in latent units, on the circle of length 2."""

EXAGGERATION = 2.2
"""How strongly `pronounced` exaggerates; 0 would change nothing."""

FRECKLES = 32
STRANDS = 14
BACKGROUND_CELLS = 5


class Proportions(NamedTuple):
    """Where the parts lie. A donor takes its target's, so that its parts fit into the face."""

    face_width: float
    face_length: float
    hairline: float
    eye_height: float
    eye_gap: float
    nose_length: float
    mouth_height: float


class Style(NamedTuple):
    """How the parts look; each latent shows in the eyes, the cheeks and nose, the lips, the outline."""

    roundness: float  # -1 angular, 1 round
    thickness: float  # of brows, lashes, lines and hair strands
    size: float  # of eyes, nose and lips
    age: float  # lines around eyes, nose, mouth and on the forehead
    freckles: float
    makeup: float  # strength on lids, cheeks and lips


class Colours(NamedTuple):
    skin_tone: float  # -1 light, 1 deep
    undertone: float  # -1 pink, 1 golden
    hair_tone: float  # -1 black, 1 fair
    makeup_hue: float
    clothes_hue: float


class HairShape(NamedTuple):
    length: float
    volume: float
    fringe: float
    parting: float


@dataclasses.dataclass(frozen=True)
class Texture:
    """Details that no other part predicts."""

    freckles: np.ndarray  # float32 [FRECKLES, 3]: x, y in [-1, 1], relative size in [0, 1]
    strands: np.ndarray  # float32 [STRANDS, 2] in [0, 1]: place along the hair, lightness


@dataclasses.dataclass(frozen=True)
class Identity:
    proportions: Proportions
    style: Style
    colours: Colours
    hair: HairShape
    texture: Texture


class Expression(NamedTuple):
    valence: float  # -1 upset, 1 smiling
    surprise: float
    squint: float


class Pose(NamedTuple):
    """Pose of the head in the crop. Angles in radians, shift in crop widths."""

    yaw: float
    pitch: float
    roll: float
    scale: float
    shift_x: float
    shift_y: float


class Light(NamedTuple):
    side: float  # -1 from the left of the picture, 1 from the right
    height: float
    temperature: float  # -1 cold, 1 warm
    contrast: float


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything that one picture shows."""

    identity: Identity
    expression: Expression
    pose: Pose
    light: Light
    background: np.ndarray  # uint8 [BACKGROUND_CELLS, BACKGROUND_CELLS, 3], RGB


def draw_identity(rng: np.random.Generator) -> Identity:
    return Identity(
        proportions=Proportions(*_uniform(rng, Proportions)),
        style=Style(*_uniform(rng, Style)),
        colours=Colours(*_uniform(rng, Colours)),
        hair=HairShape(*_uniform(rng, HairShape)),
        texture=draw_texture(rng),
    )


def draw_texture(rng: np.random.Generator) -> Texture:
    freckles = rng.uniform(-1, 1, (FRECKLES, 3))
    freckles[:, 2] = np.abs(freckles[:, 2])
    return Texture(freckles.astype(np.float32), rng.random((STRANDS, 2), np.float32))


def draw_expression(rng: np.random.Generator) -> Expression:
    return Expression(*_uniform(rng, Expression))


def draw_light(rng: np.random.Generator) -> Light:
    return Light(*_uniform(rng, Light))


def draw_background(rng: np.random.Generator) -> np.ndarray:
    """Blurred colour patches around one tone: uint8 [BACKGROUND_CELLS, BACKGROUND_CELLS, 3]."""
    tone = rng.uniform(40, 215) + rng.normal(0, 22, 3)
    cells = tone + rng.normal(0, 20, (BACKGROUND_CELLS, BACKGROUND_CELLS, 1))
    cells = cells + rng.normal(0, 7, (BACKGROUND_CELLS, BACKGROUND_CELLS, 3))
    return np.clip(cells, 0, 255).astype(np.uint8)


def donor_identity(rng: np.random.Generator, target: Identity) -> Identity:
    """Somebody else whose whole style is far from the target's, with the target's proportions."""
    other = draw_identity(rng)
    return dataclasses.replace(
        other,
        proportions=target.proportions,
        style=Style(*(far_from(rng, latent) for latent in target.style)),
    )


def donor_expression(rng: np.random.Generator, target: Expression) -> Expression:
    """Another expression, far in every latent."""
    return Expression(*(far_from(rng, latent) for latent in target))


def donor_light(rng: np.random.Generator, target: Light) -> Light:
    """Another light, far away in its side (so it mostly comes from the other side)."""
    return draw_light(rng)._replace(side=far_from(rng, target.side))


def pronounced(scene: Scene) -> Scene:
    """The scene as it is drawn: style, expression and light moved smoothly towards their extremes.

    Average faces are rare on purpose, so that parts that disagree can be seen in 64 pixels.
    """
    style = Style(*(_exaggerate(latent) for latent in scene.identity.style))
    return dataclasses.replace(
        scene,
        identity=dataclasses.replace(scene.identity, style=style),
        expression=Expression(*(_exaggerate(latent) for latent in scene.expression)),
        light=scene.light._replace(side=_exaggerate(scene.light.side)),
    )


def _exaggerate(latent: float) -> float:
    return math.tanh(EXAGGERATION * latent) / math.tanh(EXAGGERATION)


def far_from(rng: np.random.Generator, latent: float) -> float:
    """A latent at least FAR[0] away. Uniform on [-1, 1] if the given one is (shift on a circle)."""
    return (latent + rng.uniform(*FAR) + 1) % 2 - 1


def _uniform(rng: np.random.Generator, latents: type[NamedTuple]) -> list[float]:
    return rng.uniform(-1, 1, len(latents._fields)).tolist()
