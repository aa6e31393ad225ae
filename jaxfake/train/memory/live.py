"""Which bytes are live when: a plan's peak as a sum over blocks, fitted to what the compiler says.

The backward pass goes through the segments from the last to the first. While it is in one, what the
earlier ones keep is live, and of the one at hand all that a block computes again. The peak is the largest
of these, or a floor that does not depend on activations: gradients and what the optimizer works with. Our
choice; the linear form is that of AutoHete's cost model (see `search`).
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from jaxfake.models.remat import POLICIES, Policy, Segment, Segments
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
    return max(0.0, stack.policies["none"].kept - block.kept)


def together(stacks: list[Live]) -> Live:
    """Several stacks in the order of a forward pass."""
    kept = peak = 0.0
    for one in stacks:
        peak = max(peak, kept + one.peak)
        kept += one.kept
    return Live(kept, peak, sum(s.copied for s in stacks), sum(s.moved for s in stacks))


@dataclasses.dataclass(frozen=True)
class Fit:
    """Temporary bytes of a step: max(floor, base + faces * (per_face + peak) + copied).

    Attributes:
        scales: what a compiler makes of a byte that a policy keeps, by policy; near 1 on a CPU, while
            XLA:GPU computes some of what 'none' would keep once more by itself.
        base: bytes whatever the plan.
        per_face: bytes for each face of a micro-batch that no policy changes.
        floor: bytes with next to no activations.
    """

    scales: dict[Policy, float]
    base: float
    per_face: float
    floor: float

    def temporary(self, faces: int, live: Live) -> Any:
        """Bytes of a step that takes so many faces at once; of the shape of `live`, which is scaled."""
        active = self.base + faces * (self.per_face + live.peak) + live.copied
        return np.maximum(self.floor, active)


def scaled(stack: Stack, scales: dict[Policy, float]) -> Stack:
    """The stack with its kept bytes as a compiler keeps them."""
    policies = {
        name: dataclasses.replace(block, kept=block.kept * scales.get(name, 1.0))
        for name, block in stack.policies.items()
    }
    return dataclasses.replace(stack, policies=policies)


class Anchor(NamedTuple):
    """A compiled step: faces at once, and its temporary bytes."""

    faces: int
    temporary: int


def fit(
    stacks: dict[str, Stack],
    whole_batch: dict[Policy, Anchor],
    half: Anchor | None,
    least: Anchor | None,
) -> Fit:
    """The numbers from a few compiled steps.

    Args:
        stacks: as they are traced.
        whole_batch: a uniform plan of each policy, the whole batch at once; 'none' and 'full' at least.
        half: 'full', half of the batch at once; None if a batch may not be cut.
        least: 'full', as few faces at once as there are.
    """
    everything, nothing = whole_batch["none"], whole_batch["full"]
    none, full = (uniform_peak(stacks, policy, {}) for policy in ("none", "full"))
    span = everything.faces * none - nothing.faces * full
    scale = max(0.0, everything.temporary - nothing.temporary) / span
    rest = nothing.temporary - scale * nothing.faces * full
    scales = dict.fromkeys(POLICIES, scale)
    for policy in whole_batch.keys() - {"none", "full"}:
        wanted = (whole_batch[policy].temporary - rest) / whole_batch[policy].faces
        scales[policy] = _scale(stacks, policy, scales, wanted)
    floor = float(least.temporary if least is not None else 0)
    if half is None:
        return Fit(scales, 0.0, rest / nothing.faces, floor)
    half_rest = half.temporary - scale * half.faces * full
    per_face = max(0.0, (rest - half_rest) / (nothing.faces - half.faces))
    return Fit(scales, rest - per_face * nothing.faces, per_face, floor)


def uniform_peak(stacks: dict[str, Stack], policy: Policy, scales: dict[Policy, float]) -> float:
    """Bytes for one face at the peak, with one policy for all blocks."""
    several = [scaled(stack, scales) for stack in stacks.values()]
    lives = [of_stack(stack, whole(policy, stack.depth)) for stack in several]
    return float(together(lives).peak)


def _scale(
    stacks: dict[str, Stack], policy: Policy, scales: dict[Policy, float], wanted: float
) -> float:
    """The scale with which a uniform policy has the wanted peak, by bisection."""
    low, high = 0.0, _LARGEST_SCALE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = uniform_peak(stacks, policy, {**scales, policy: middle}) > wanted
        low, high = (low, middle) if above else (middle, high)
    return low


_LARGEST_SCALE, _HALVINGS = 4.0, 40
