"""What a plan costs: bytes on the device and on the host, and seconds of a step."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxfake.models.remat import Segments, StackName
from jaxfake.train.memory import peak
from jaxfake.train.memory.counts import NO_WORK
from jaxfake.train.memory.peak import Live, Stack
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.rates import EXPOSED, Rates
from jaxfake.train.memory.timeline import Iteration

_UPDATE_TOUCHES = 8
"""Bytes that an update moves for each byte of a parameter: parameter, gradient, two moments; and back."""

_ADDED = 12
"""Bytes of (unfused) traffic for each byte of gradient that is added up: two reads and a write, at the
rate of memory and not of fused equations."""

_STREAMED = 6
"""Times that a streamed parameter crosses the link: for either pass, its gradient to the host and back,
itself for the update and back."""


class Cost(NamedTuple):
    """Predicted, for one device."""

    device: float  # bytes
    host: float  # bytes
    seconds: float  # of a step


def cost(profile: Profile, rates: Rates, plan: Plan) -> Cost:
    """The predicted cost of a plan."""
    live = live_bytes(profile, plan)
    compute = np.asarray(block_seconds(profile, rates, plan))
    return Cost(
        float(device_bytes(profile, plan, live)),
        float(host_bytes(profile, plan, live.moved)),
        float(step_seconds(profile, rates, plan, compute, np.asarray(live.moved))),
    )


def segments_of(profile: Profile, plan: Plan, name: StackName) -> Segments:
    """The segments of a stack; all is kept where the plan has none."""
    chosen: Segments = getattr(plan, name)
    return chosen or peak.whole("none", profile.stacks[name].depth)


def live_bytes(profile: Profile, plan: Plan) -> Live:
    """What the stacks keep for one face."""
    return peak.together(
        [
            peak.of_stack(profile.fit.scaled(stack), segments_of(profile, plan, name))
            for name, stack in profile.stacks.items()
        ]
    )


def block_seconds(profile: Profile, rates: Rates, plan: Plan) -> float:
    """Seconds of all blocks for one face, without copies."""
    return sum(
        stack_seconds(stack, rates, segments_of(profile, plan, name))
        for name, stack in profile.stacks.items()
    )


def stack_seconds(stack: Stack, rates: Rates, segments: Segments) -> float:
    """Seconds of one stack for one face, without copies."""
    return sum(one.blocks * rates.block(one.policy, stack.policies[one.policy]) for one in segments)


def device_bytes(profile: Profile, plan: Plan, live: Live) -> Any:
    """Bytes on the device at the peak of a step; of the shape of `live`.

    State in the host's memory is spared but for the two groups, or two blocks, that are on the device.
    """
    faces = profile.faces // plan.micro_batches
    every = (
        profile.arguments
        + profile.outputs
        + profile.fit.temporary(faces, live, plan.micro_batches > 1)
    )
    if plan.localiser != "none":
        every = every - faces * profile.localiser_spares
    if plan.optimizer == "host":
        every = every - max(0.0, profile.moments - 2.0 * profile.group)
    if plan.params == "host":
        largest = max(stack.params for stack in profile.stacks.values())
        every = every - max(0.0, profile.stack_params - 2.0 * largest)
    return every


def host_bytes(profile: Profile, plan: Plan, moved: Any) -> Any:
    """Bytes in the host's memory; of the shape of `moved`, bytes that blocks offload for one face."""
    faces = profile.faces // plan.micro_batches
    moments = profile.moments if plan.optimizer == "host" else 0
    params = profile.stack_params if plan.params == "host" else 0
    return moments + params + faces * moved


def step_seconds(
    profile: Profile, rates: Rates, base: Plan, compute: np.ndarray, moved: np.ndarray
) -> np.ndarray:
    """Seconds of a step, from what its blocks do for one face.

    Of the time of the blocks' own copies what was seen not to overlap with computation is added, see
    `rates.EXPOSED`. Of an update's copies the first run under the backward pass, the last
    under the next forward pass, and those between beside the update.

    Args:
        base: what is decided beside the policies.
        compute: seconds of all blocks, any shape.
        moved: bytes that they offload, of the same shape.
    """
    faces, host = profile.faces, base.optimizer == "host"
    again = profile.localiser_again if base.localiser != "none" else NO_WORK
    passes = faces * (compute + rates.seconds(profile.rest + again))
    passes = passes + base.micro_batches * micro_batch_seconds(profile, rates)
    if base.params == "host":
        streamed = _STREAMED * profile.stack_params / rates.to_device
        passes = passes + base.micro_batches * streamed
    passes = passes + EXPOSED * faces * moved * (1 / rates.to_device + 1 / rates.to_host)
    update = _UPDATE_TOUCHES * profile.gradients / rates.traffic
    into = (profile.moments - profile.groups[0]) / rates.to_device if host else 0.0
    back = profile.moments / rates.to_host if host else 0.0
    return passes + max(update, into) + np.maximum(0.0, back - passes)


def micro_batch_seconds(profile: Profile, rates: Rates) -> float:
    """Seconds that a micro-batch costs whatever its faces: launches, and gradients added up."""
    blocks = 1 + sum(profile.depths.values())
    return blocks * rates.launch + _ADDED * profile.gradients / rates.traffic


def iteration(profile: Profile, rates: Rates, plan: Plan) -> Iteration:
    """One iteration of a plan, for the simulated timeline.

    All micro-batches count as one pass, and the rest of the network as a last block.
    """
    blocks = [*_blocks(profile, rates, plan), _rest_as_a_block(profile, rates, plan)]
    groups, hosted = profile.groups, plan.optimizer == "host"
    update = _UPDATE_TOUCHES * profile.gradients / rates.traffic / sum(groups)
    return Iteration(
        forward=tuple(block.forward for block in blocks),
        backward=tuple(block.backward for block in blocks),
        update=tuple(update * size for size in groups),
        into=tuple(size / rates.to_device * hosted for size in groups),
        back=tuple(size / rates.to_host * hosted for size in groups),
        group_of=tuple(number * len(groups) // len(blocks) for number in range(len(blocks))),
        stores=tuple(block.store for block in blocks),
        loads=tuple(block.load for block in blocks),
    )


class _BlockSeconds(NamedTuple):
    """Of a block, for a whole batch."""

    forward: float
    backward: float
    store: float
    load: float


def _blocks(profile: Profile, rates: Rates, plan: Plan) -> Iterator[_BlockSeconds]:
    """All blocks of all stacks, in the order of a forward pass."""
    faces, parts = profile.faces, plan.micro_batches
    for name, stack in profile.stacks.items():
        streamed = parts * _STREAMED * stack.params / rates.to_device / 2 * (plan.params == "host")
        for segment in segments_of(profile, plan, name):
            block = stack.policies[segment.policy]
            forward, backward = rates.passes(segment.policy, block)
            launch, moved = parts * rates.launch, EXPOSED * faces * block.moved
            one = _BlockSeconds(
                faces * forward + launch / 3 + streamed,
                faces * backward + 2 * launch / 3 + streamed,
                moved / rates.to_host,
                moved / rates.to_device,
            )
            yield from [one] * segment.blocks


def _rest_as_a_block(profile: Profile, rates: Rates, plan: Plan) -> _BlockSeconds:
    """What is computed outside of the stacks; a third of it in the forward pass."""
    launched = plan.micro_batches * rates.launch * sum(profile.depths.values())
    every = plan.micro_batches * micro_batch_seconds(profile, rates)
    rest = max(0.0, profile.faces * rates.seconds(profile.rest) + every - launched)
    return _BlockSeconds(rest / 3, 2 * rest / 3, 0.0, 0.0)
