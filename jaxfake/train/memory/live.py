"""Which bytes are live when: a plan's peak as a sum over blocks, with four numbers that the compiler gives.

The backward pass goes through the segments from the last to the first. While it is in one, what the
earlier ones keep is live, and of the one at hand all that a block computes again. The peak is the largest
of these, or a floor that does not depend on activations: gradients and what the optimizer works with. Our
choice; the linear form is that of AutoHete's cost model (see `search`).
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from jaxfake.models.remat import Policy, Segment, Segments
from jaxfake.train.memory.blocks import Stack


class Live(NamedTuple):
    """Bytes for one face of what a stack keeps; numbers, or arrays for several choices at once."""

    kept: Any  # after its forward pass
    peak: Any  # in its own backward pass, without other stacks
    copied: (
        Any  # bytes, whatever the number of faces: parameters cut into segments, and their gradient
    )
    moved: Any  # to the host


def of_stack(stack: Stack, segments: Segments) -> Live:
    """The bytes of a stack under a choice of segments."""
    kept = peak = moved = 0.0
    for segment in segments:
        block = stack.policies[segment.policy]
        kept += segment.blocks * block.kept
        moved += segment.blocks * block.moved
        peak = max(peak, kept + computed_again(stack, segment.policy))
    copied = 2.0 * stack.depth * stack.params if len(segments) > 1 else 0.0
    return Live(kept, peak, copied, moved)


def whole(policy: Policy, depth: int) -> Segments:
    """One segment of all blocks."""
    return (Segment(policy, depth),)


def computed_again(stack: Stack, policy: Policy) -> float:
    """Bytes for one face that are live while a block is computed again."""
    block = stack.policies[policy]
    return stack.policies["none"].kept - block.kept


def together(stacks: list[Live]) -> Live:
    """Several stacks in the order of a forward pass."""
    kept = peak = 0.0
    for one in stacks:
        peak = max(peak, kept + one.peak)
        kept += one.kept
    return Live(kept, peak, sum(s.copied for s in stacks), sum(s.moved for s in stacks))


@dataclasses.dataclass(frozen=True)
class Fit:
    """Temporary bytes of a step: max(floor, base + faces * (per_face + scale * peak) + copied).

    Attributes:
        scale: what a compiler makes of a kept byte; near 1.
        base: bytes whatever the plan.
        per_face: bytes for each face of a micro-batch that no policy changes.
        floor: bytes with next to no activations.
    """

    scale: float
    base: float
    per_face: float
    floor: float

    def temporary(self, faces: int, live: Live) -> Any:
        """Bytes of a step that takes so many faces at once; of the shape of `live`."""
        active = self.base + faces * (self.per_face + self.scale * live.peak) + live.copied
        return np.maximum(self.floor, active)


class Anchor(NamedTuple):
    """A compiled step: faces at once, the live bytes of its plan, and its temporary bytes."""

    faces: int
    live: Live
    temporary: int


def fit(everything: Anchor, nothing: Anchor, half: Anchor | None, least: Anchor | None) -> Fit:
    """The four numbers from at most four compiled steps.

    Args:
        everything: all is kept, the whole batch at once.
        nothing: only block inputs are kept, the whole batch at once.
        half: as `nothing`, half of the batch at once; None if a batch may not be cut.
        least: as `nothing`, as few faces at once as there are.
    """
    span = everything.faces * everything.live.peak - nothing.faces * nothing.live.peak
    scale = max(0.0, everything.temporary - nothing.temporary) / span
    rest = nothing.temporary - scale * nothing.faces * nothing.live.peak
    floor = float(least.temporary if least is not None else 0)
    if half is None:
        return Fit(scale, 0.0, rest / nothing.faces, floor)
    half_rest = half.temporary - scale * half.faces * half.live.peak
    per_face = max(0.0, (rest - half_rest) / (nothing.faces - half.faces))
    return Fit(scale, rest - per_face * nothing.faces, per_face, floor)
