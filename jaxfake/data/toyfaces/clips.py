"""Clips: one identity whose expression, pose and light change smoothly from frame to frame.

Some clips are hard on purpose: a part with an expression or make-up that does not go with the rest.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxfake.data.toyfaces.latents import (
    PARTS,
    Deviation,
    Expression,
    Identity,
    Light,
    Pose,
    Scene,
    draw_background,
    draw_deviation,
    draw_expression,
    draw_light,
)

YAW, PITCH, ROLL = 0.20, 0.09, 0.05
"""Greatest mean angles of a clip, radians: about 11, 5 and 3 degrees."""

SCALE, SHIFT = 0.03, 0.012
"""Greatest change of scale, and of place in crop widths: what is left after alignment."""

WANDER = 0.15
"""How far expression and light move away from their mean within a clip, in latent units."""

TURN = 0.3
"""How far the pose does, as a share of its limits."""

ODD = 0.2
"""Share of clips in which one part has an expression of its own, and of those with one that is made up."""


@dataclasses.dataclass(frozen=True)
class Clip:
    """The scenes of T frames, by what moves.

    Attributes:
        deviations: of each part.
        donors: clips of other people, with as many frames, whose parts this face has.
    """

    identity: Identity
    expressions: list[Expression]
    poses: list[Pose]
    lights: list[Light]
    background: np.ndarray
    deviations: Mapping[str, Deviation] = dataclasses.field(default_factory=dict)
    donors: Mapping[str, "Clip"] = dataclasses.field(default_factory=dict)

    def scenes(self) -> list[Scene]:
        donors = {part: clip.scenes() for part, clip in self.donors.items()}
        moving = zip(self.expressions, self.poses, self.lights, strict=True)
        return [
            Scene(
                self.identity,
                *moved,
                self.background,
                self.deviations,
                {part: scenes[frame] for part, scenes in donors.items()},
            )
            for frame, moved in enumerate(moving)
        ]


def draw_clip(rng: np.random.Generator, identity: Identity, frames: int) -> Clip:
    """A clip of `frames` frames of one identity, everything else random."""
    limits = np.array([YAW, PITCH, ROLL, SCALE, SHIFT, SHIFT])
    pose = rng.uniform(-1, 1, 6)
    poses = (pose + TURN * waves(rng, frames, 6)) * limits + [0, 0, 0, 1, 0, 0]
    return Clip(
        identity=identity,
        expressions=move_expression(rng, draw_expression(rng), frames),
        poses=[Pose(*row) for row in poses.tolist()],
        lights=move_light(rng, draw_light(rng), frames),
        background=draw_background(rng),
        deviations=draw_deviations(rng),
    )


def draw_deviations(rng: np.random.Generator) -> dict[str, Deviation]:
    """The noise of all parts; in some clips one of them disagrees by more than that."""
    deviations = {part: draw_deviation(rng) for part in PARTS}
    if rng.random() < ODD:
        part = PARTS[rng.integers(len(PARTS))]
        odd = Expression._make(rng.uniform(-1.5, 1.5, len(Expression._fields)).tolist())
        deviations[part] = dataclasses.replace(deviations[part], expression=odd)
    if rng.random() < ODD:
        part = PARTS[rng.integers(len(PARTS))]
        made_up = deviations[part].style._replace(makeup=rng.uniform(0.5, 2))
        deviations[part] = dataclasses.replace(deviations[part], style=made_up)
    return deviations


def move_expression(rng: np.random.Generator, mean: Expression, frames: int) -> list[Expression]:
    """Expressions of T frames around a mean."""
    path = np.array(mean) + WANDER * waves(rng, frames, len(mean))
    return [Expression(*row) for row in path.tolist()]


def move_light(rng: np.random.Generator, mean: Light, frames: int) -> list[Light]:
    """Lights of T frames around a mean."""
    path = np.array(mean) + WANDER * waves(rng, frames, len(mean))
    return [Light(*row) for row in path.tolist()]


def waves(rng: np.random.Generator, frames: int, latents: int) -> np.ndarray:
    """Smooth paths within ±1, float64 [T, latents]: between 0.3 and half a wave a clip."""
    time = np.linspace(0, 1, frames)[:, None]
    phase = rng.uniform(0, 2 * np.pi, latents)
    speed = rng.uniform(0.6, 1.0, latents) * np.pi
    return np.sin(phase + speed * time)
