"""What a toy face is drawn from: latents that all parts of a face share, and deviations of each part.

A part of a real face is the shared latents plus noise of its own (`Deviation`), so its parts agree
statistically and not exactly. A donor is another person, unlike the target, but drawn so that no value
occurs more or less often than in everybody else: each part alone of a fake is distributed as those of reals
are, and only the agreement of the parts is missing.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

EYES, CHEEK_NOSE, LIPS = "eyes", "cheek_nose", "lips"
PARTS = (EYES, CHEEK_NOSE, LIPS)
OUTLINE = "outline"
"""Jaw, ears, hair and neck: they follow the shared latents without noise."""

FAR = (0.7, 1.3)
"""How far a donor's style and expression, or a forged light, are moved on the circle of length 2."""

UNLIKE = -0.95
"""Correlation of a donor's complexion with the target's."""

STYLE_NOISE, EXPRESSION_NOISE = 0.25, 0.35
"""Standard deviations of a part's own noise, in latent units."""

WAVES, COLOURS = 2, 3
"""Patterns of stripes, each in three colours, that the complexion of a person consists of."""

ROWS, STRIPES = 2, 5
"""Each part shows the stripes in so many rows, and so many of them in each."""

AGREEMENT = 0.96
"""How much of the person's stripe one in one row has; the rest of its spread, in squares, is its own."""

EXAGGERATION = 2.2
"""How strongly `exaggerated` exaggerates; 0 would change nothing."""

_STRIPES_OF_WAVES = np.cos(
    np.pi * np.outer((np.arange(STRIPES) + 0.5) / STRIPES, 2 * np.arange(1, WAVES + 1))
)
"""Float64 [STRIPES, WAVES]: the same on the right and on the left, and nothing in the mean."""

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
    complexion: np.ndarray  # float64 [WAVES, COLOURS], standard normal


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
class Deviation:
    """What one part of one clip has of its own, beside the shared latents."""

    style: Style  # added
    expression: Expression  # added
    complexion: (
        np.ndarray
    )  # float64 [ROWS, STRIPES, COLOURS], standard normal, of each stripe alone


class Look(NamedTuple):
    """What one part is drawn from."""

    style: Style
    colours: Colours
    expression: Expression
    complexion: np.ndarray  # float64 [ROWS, STRIPES, COLOURS]


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything that one picture shows.

    Attributes:
        deviations: by part; a part without one follows the shared latents exactly.
        background: uint8 [BACKGROUND_CELLS, BACKGROUND_CELLS, 3], RGB.
        donors: scenes of other people whose parts this face has, by part.
    """

    identity: Identity
    expression: Expression
    pose: Pose
    light: Light
    background: np.ndarray
    deviations: Mapping[str, Deviation] = dataclasses.field(default_factory=dict)
    donors: Mapping[str, "Scene"] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def looks(self) -> dict[str, Look]:
        """The look of each of PARTS and of the OUTLINE, as it is drawn."""
        return {part: self.donors.get(part, self)._own_look(part) for part in (OUTLINE, *PARTS)}

    def _own_look(self, part: str) -> Look:
        """This person's, moved smoothly towards its extremes.

        Average faces are rare on purpose, so that parts that disagree can be seen in few pixels.
        """
        who, own = self.identity, self.deviations.get(part)
        style, expression = who.style, self.expression
        complexion = np.tile(_STRIPES_OF_WAVES @ who.complexion, (ROWS, 1, 1))
        if own is not None:
            style = Style._make(_moved(style, own.style))
            expression = Expression._make(_moved(expression, own.expression))
            complexion = AGREEMENT * complexion + math.sqrt(1 - AGREEMENT**2) * own.complexion
        return Look(
            Style._make(map(exaggerated, style)),
            who.colours,
            Expression._make(map(exaggerated, expression)),
            complexion,
        )


def _moved(latents: Sequence[float], by: Sequence[float]) -> list[float]:
    return [min(max(one + change, -1.0), 1.0) for one, change in zip(latents, by, strict=True)]


def draw_identity(rng: np.random.Generator) -> Identity:
    return Identity(
        proportions=Proportions(*_uniform(rng, Proportions)),
        style=Style(*_uniform(rng, Style)),
        colours=Colours(*_uniform(rng, Colours)),
        hair=HairShape(*_uniform(rng, HairShape)),
        texture=draw_texture(rng),
        complexion=rng.standard_normal((WAVES, COLOURS)),
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


def draw_deviation(rng: np.random.Generator) -> Deviation:
    """The noise of one part."""
    return Deviation(
        style=Style._make((STYLE_NOISE * rng.standard_normal(len(Style._fields))).tolist()),
        expression=Expression._make(
            (EXPRESSION_NOISE * rng.standard_normal(len(Expression._fields))).tolist()
        ),
        complexion=rng.standard_normal((ROWS, STRIPES, COLOURS)),
    )


def donor_identity(rng: np.random.Generator, target: Identity) -> Identity:
    """Somebody unlike the target, but with its proportions and colours: the parts fit into the face."""
    other = draw_identity(rng)
    return dataclasses.replace(
        other,
        proportions=target.proportions,
        colours=target.colours,
        style=Style._make(far_from(rng, latent) for latent in target.style),
        complexion=UNLIKE * target.complexion + math.sqrt(1 - UNLIKE**2) * other.complexion,
    )


def donor_expression(rng: np.random.Generator, target: Expression) -> Expression:
    """Another expression, far in every latent."""
    return Expression._make(far_from(rng, latent) for latent in target)


def donor_light(rng: np.random.Generator, target: Light) -> Light:
    """Another light, far in every latent."""
    return Light._make(far_from(rng, latent) for latent in target)


def far_from(rng: np.random.Generator, latent: float) -> float:
    """A latent about FAR away. Uniform on [-1, 1] if the given one is: it is moved on a circle."""
    return (latent + rng.uniform(*FAR) + 1) % 2 - 1


def exaggerated(latent: float) -> float:
    """A latent moved towards -1 or 1, whichever is nearer."""
    return math.tanh(EXAGGERATION * latent) / math.tanh(EXAGGERATION)


def _uniform(rng: np.random.Generator, latents: type[NamedTuple]) -> list[float]:
    return rng.uniform(-1, 1, len(latents._fields)).tolist()
