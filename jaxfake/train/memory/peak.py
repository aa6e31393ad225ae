"""Which bytes are live when: a plan's peak as a sum over blocks, fitted to what the compiler says.

The backward pass goes through the segments from the last to the first. While it is in one, what the
earlier ones keep is live, and of the one at hand all that a block computes again. The peak is the largest
of these, over gradients and what else there is. Our choice; the linear form is that of AutoHete's cost
model (see `search`).
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from jaxfake.models.remat import POLICIES, Policy, Segment, Segments, StackName
from jaxfake.train.memory.counts import Work


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of a stack under one policy, for one face.

    Attributes:
        kept: bytes on the device from its forward pass to its backward pass.
        moved: bytes that go to the host's memory and come back.
        forward, backward: what is computed; what is computed again is part of the backward pass.
    """

    kept: float
    moved: float
    forward: Work
    backward: Work


@dataclasses.dataclass(frozen=True)
class Stack:
    """A stack of equal blocks that a method trains.

    Attributes:
        depth: number of blocks.
        params: bytes of the parameters of one block, about: its four matrices.
        policies: costs by policy.
    """

    depth: int
    params: int
    policies: dict[Policy, Block]


class Live(NamedTuple):
    """Bytes of a stack; numbers, or arrays for several choices at once."""

    kept: Any  # for one face, after its forward pass
    peak: Any  # for one face, in its own backward pass, without other stacks
    copied: Any  # whatever the number of faces: parameters cut into segments, and their gradient
    moved: Any  # for one face, to the host


def of_stack(stack: Stack, segments: Segments) -> Live:
    """The bytes of a stack under a choice of segments."""
    everything = stack.policies["none"].kept
    kept = peak = moved = 0.0
    for segment in segments:
        block = stack.policies[segment.policy]
        kept += segment.blocks * block.kept
        moved += segment.blocks * block.moved
        peak = max(peak, kept + max(0.0, everything - block.kept))
    copied = 2.0 * stack.depth * stack.params if len(segments) > 1 else 0.0
    return Live(kept, peak, copied, moved)


def whole(policy: Policy, depth: int) -> Segments:
    """One segment of all blocks."""
    return (Segment(policy, depth),)


def together(stacks: list[Live]) -> Live:
    """Several stacks in the order of a forward pass."""
    kept = peak = 0.0
    for one in stacks:
        peak = np.maximum(peak, kept + one.peak)
        kept = kept + one.kept
    return Live(kept, peak, sum(s.copied for s in stacks), sum(s.moved for s in stacks))


@dataclasses.dataclass(frozen=True)
class Fit:
    """Temporary bytes of a step: base + faces * (per_face + peak) + copied.

    Attributes:
        scales: what a compiler makes of a byte that a policy keeps, by policy; near 1 on a CPU, while
            XLA:GPU computes some of what 'none' would keep once more by itself.
        base: bytes whatever the plan, for a batch at once.
        base_cut: the same for micro-batches, whose gradients are added up.
        per_face: bytes for each face of a micro-batch that no policy changes.
    """

    scales: dict[Policy, float]
    base: float
    base_cut: float
    per_face: float

    def scaled(self, stack: Stack) -> Stack:
        """The stack with its kept bytes as the compiler keeps them."""
        policies = {
            name: dataclasses.replace(block, kept=block.kept * self.scales[name])
            for name, block in stack.policies.items()
        }
        return dataclasses.replace(stack, policies=policies)

    def temporary(self, faces: int, cut: bool, live: Live) -> Any:
        """Bytes of a step that takes so many faces at once; `live` is of scaled stacks."""
        base = self.base_cut if cut else self.base
        return base + faces * (self.per_face + live.peak) + live.copied


class Point(NamedTuple):
    """A compiled step: faces at once, and its temporary bytes."""

    faces: int
    temporary: int


def fitted(
    stacks: dict[StackName, Stack],
    everything: Point,
    nothing: Point,
    cut: tuple[Point, Point] | None,
) -> Fit:
    """The numbers with which the compiled steps come out as compiled.

    Args:
        stacks: as counted.
        everything, nothing: policy 'none' and policy 'full', the whole batch at once.
        cut: 'full' in the fewest and in the most micro-batches; None if a batch may not be cut.
    """
    none, full = (uniform_peak(stacks, policy) for policy in ("none", "full"))
    span = everything.faces * (none - full)
    scale = max(0.0, everything.temporary - nothing.temporary) / span if span else 1.0
    per_face, base_cut = nothing.temporary / nothing.faces - scale * full, 0.0
    if cut is not None:
        few, many = cut
        slope = (few.temporary - many.temporary) / max(1, few.faces - many.faces)
        per_face = slope - scale * full
        base_cut = few.temporary - slope * few.faces
    base = nothing.temporary - nothing.faces * (per_face + scale * full)
    return Fit(dict.fromkeys(POLICIES, scale), base, base_cut, per_face)


def uniform_peak(stacks: dict[StackName, Stack], policy: Policy) -> float:
    """Bytes for one face at the peak, with one policy for all blocks."""
    lives = [of_stack(stack, whole(policy, stack.depth)) for stack in stacks.values()]
    return float(together(lives).peak)
