"""What a plan costs: bytes on the device and on the host, and seconds of a step."""

from typing import NamedTuple

import numpy as np

from jaxfake.models.remat import Segments
from jaxfake.train.memory import live
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.speed import Speed
from jaxfake.train.memory.timeline import Work

_UPDATE_TOUCHES = 8
"""Bytes that an update moves for each byte of a parameter: parameter, gradient, two moments; and back."""

_ADDED = 12
"""Bytes of (unfused) traffic for each byte of gradient that is added up: two reads and a write, at the
rate of memory and not of fused equations."""

_STREAMED = 6
"""Times that a streamed parameter crosses the link: for either pass, its gradient to the host and back,
itself for the update and back. On an H100 none of it ran beside the computation, and so it is added."""


class Cost(NamedTuple):
    """Predicted, for one device."""

    device: float  # bytes
    host: float  # bytes
    seconds: float  # of a step


def cost(profile: Profile, speed: Speed, plan: Plan) -> Cost:
    """The predicted cost of a plan."""
    return Cost(
        device_bytes(profile, plan), host_bytes(profile, plan), step_seconds(profile, speed, plan)
    )


def segments_of(profile: Profile, plan: Plan, name: str) -> Segments:
    """The segments of a stack; all is kept where the plan has none."""
    chosen: Segments = getattr(plan, name)
    return chosen or live.whole("none", profile.stacks[name].depth)


def live_bytes(profile: Profile, plan: Plan) -> live.Live:
    """What the stacks keep for one face."""
    return live.together(
        [
            live.of_stack(stack, segments_of(profile, plan, name))
            for name, stack in profile.stacks.items()
        ]
    )


def device_bytes(profile: Profile, plan: Plan) -> float:
    """Bytes on the device at the peak of a step."""
    faces = profile.faces // plan.micro_batches
    temporary = profile.fit.temporary(faces, live_bytes(profile, plan))
    return profile.arguments + profile.outputs + temporary - spared(profile, plan)


def spared(profile: Profile, plan: Plan) -> float:
    """Bytes that offloaded state spares: it is gone but for two groups, or two blocks, at a time."""
    saved = 0.0
    if plan.optimizer == "host":
        saved += max(0.0, profile.moments - 2.0 * profile.group)
    if plan.params == "host":
        largest = max(stack.params for stack in profile.stacks.values())
        saved += max(0.0, profile.stack_params - 2.0 * largest)
    return saved


def host_bytes(profile: Profile, plan: Plan) -> float:
    """Bytes in the host's memory."""
    faces = profile.faces // plan.micro_batches
    moments = profile.moments if plan.optimizer == "host" else 0
    params = profile.stack_params if plan.params == "host" else 0
    return moments + params + faces * live_bytes(profile, plan).moved


def step_seconds(profile: Profile, speed: Speed, plan: Plan) -> float:
    """Seconds of a step."""
    compute = 0.0
    for name, stack in profile.stacks.items():
        for segment in segments_of(profile, plan, name):
            block = stack.policies[segment.policy]
            compute += segment.blocks * speed.block(segment.policy, block)
    moved = live_bytes(profile, plan).moved
    return float(seconds_from(profile, speed, plan, np.asarray(compute), np.asarray(moved)))


def seconds_from(
    profile: Profile, speed: Speed, base: Plan, compute: np.ndarray, moved: np.ndarray
) -> np.ndarray:
    """Seconds of a step, from what its blocks do for one face.

    Copies run beside the computation and count where they take longer. The first copies of an update run
    under the backward pass and the last under the next forward pass; those between run beside the update.

    Args:
        base: what is decided beside the policies.
        compute: seconds of all blocks, any shape.
        moved: bytes that they offload, of the same shape.
    """
    faces, host = profile.faces, base.optimizer == "host"
    streamed = _STREAMED * profile.stack_params / speed.to_device if base.params == "host" else 0.0
    passes = faces * (compute + speed.seconds(profile.rest_flops, profile.rest_traffic))
    passes = passes + base.micro_batches * a_micro_batch(profile, speed)
    passes = passes + base.micro_batches * streamed
    passes = np.maximum(passes, faces * moved / speed.to_device)
    passes = np.maximum(passes, faces * moved / speed.to_host)
    update = _UPDATE_TOUCHES * profile.gradients / speed.traffic
    into = (profile.moments - profile.groups[0]) / speed.to_device if host else 0.0
    back = profile.moments / speed.to_host if host else 0.0
    return passes + max(update, into) + np.maximum(0.0, back - passes)


def a_micro_batch(profile: Profile, speed: Speed) -> float:
    """Seconds that a micro-batch costs whatever its faces: launches, and gradients added up."""
    blocks = 1 + sum(profile.depths.values())
    return blocks * speed.launch + _ADDED * profile.gradients / speed.traffic


def work(profile: Profile, speed: Speed, plan: Plan) -> Work:
    """One iteration of a plan, as the timeline takes it.

    A third of a kept block's work is its forward pass; what is computed again is in its backward pass. All
    micro-batches count as one pass, and the rest of the network as a last block.
    """
    faces, parts = profile.faces, plan.micro_batches
    forward, backward, stores, loads = [], [], [], []
    for name, stack in profile.stacks.items():
        kept = stack.policies["none"]
        third = faces * speed.block("none", kept) / 3
        streamed = parts * _STREAMED * stack.params / speed.to_device / 2
        streamed *= plan.params == "host"
        for segment in segments_of(profile, plan, name):
            block = stack.policies[segment.policy]
            whole = faces * speed.block(segment.policy, block)
            moved = faces * block.moved
            overhead = parts * speed.launch
            forward += [third + overhead / 3 + streamed] * segment.blocks
            backward += [whole - third + 2 * overhead / 3 + streamed] * segment.blocks
            stores += [moved / speed.to_host] * segment.blocks
            loads += [moved / speed.to_device] * segment.blocks
    rest = faces * speed.seconds(profile.rest_flops, profile.rest_traffic)
    rest += parts * (a_micro_batch(profile, speed) - sum(profile.depths.values()) * speed.launch)
    groups = profile.groups
    copied = [size if plan.optimizer == "host" else 0.0 for size in groups]
    return Work(
        forward=(*forward, rest / 3),
        backward=(*backward, 2 * rest / 3),
        update=tuple(
            _UPDATE_TOUCHES * profile.gradients * size / sum(groups) / speed.traffic
            for size in groups
        ),
        into=tuple(size / speed.to_device for size in copied),
        back=tuple(size / speed.to_host for size in copied),
        group_of=_groups_of(len(forward) + 1, len(groups)),
        stores=(*stores, 0.0),
        loads=(*loads, 0.0),
    )


def _groups_of(blocks: int, groups: int) -> tuple[int, ...]:
    """The group of each block, in order: the groups are in the order of a forward pass too."""
    return tuple(block * groups // blocks for block in range(blocks))
