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
    """Temporary bytes of a step: base + faces * max(per_face + peak, between + kept) + copied.

    Attributes:
        scales: what a compiler makes of a byte that a policy keeps, by policy: 0.98 to 1.04 on a CPU and
            on an H200, so 1 until a uniform plan was compiled.
        base: bytes whatever the plan, where a batch is taken at once.
        base_cut: the same where it is cut into micro-batches.
        per_face: bytes for each face of a micro-batch that no policy changes.
        between: the same between the forward and the backward pass, where a small network may need most.
    """

    scales: dict[Policy, float]
    base: float
    base_cut: float
    per_face: float
    between: float

    def scaled(self, stack: Stack) -> Stack:
        """The stack with its kept bytes as the compiler keeps them."""
        policies = {
            name: dataclasses.replace(block, kept=block.kept * self.scales[name])
            for name, block in stack.policies.items()
        }
        return dataclasses.replace(stack, policies=policies)

    def temporary(self, faces: int, live: Live, cut: bool) -> Any:
        """Bytes of a step that takes so many faces at once; `live` is of scaled stacks."""
        passes = np.maximum(self.per_face + live.peak, self.between + live.kept)
        return (self.base_cut if cut else self.base) + faces * passes + live.copied


class Point(NamedTuple):
    """A compiled step of a batch at once: the policy of all its blocks, faces, and its temporary bytes."""

    policy: Policy
    faces: int
    temporary: int


def fitted(stacks: dict[StackName, Stack], point: Point, base: float, base_cut: float) -> Fit:
    """The numbers with which a compiled step comes out as compiled.

    Args:
        stacks: as counted.
        base, base_cut: see `Fit`.
    """
    per_face = (_beside(stacks, point) - base) / point.faces
    return Fit(dict.fromkeys(POLICIES, 1.0), base, base_cut, per_face, per_face)


def with_plain(fit: Fit, stacks: dict[StackName, Stack], plain: Point) -> Fit:
    """The same where a step that keeps everything is known too; it needs most between the passes."""
    between = (_beside(stacks, plain) - fit.base) / plain.faces
    return dataclasses.replace(fit, between=max(fit.per_face, between))


def _beside(stacks: dict[StackName, Stack], point: Point) -> float:
    """Bytes of a step beside those of its stacks."""
    return point.temporary - point.faces * uniform_peak(stacks, point.policy)


def uniform_peak(stacks: dict[StackName, Stack], policy: Policy) -> float:
    """Bytes for one face at the peak, with one policy for all blocks."""
    lives = [of_stack(stack, whole(policy, stack.depth)) for stack in stacks.values()]
    return float(together(lives).peak)
