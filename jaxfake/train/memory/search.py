"""The best plan under two budgets, by enumeration.

AutoHete (Zeng et al., 2503.01890) solves an integer linear program over transformer blocks. The blocks of a
ViT's stack are equal, so a choice for a stack is how many blocks have which policy, at most two policies a
stack, the one that keeps less first (its blocks come last in the backward pass, when less is live). All
combinations are looked at; the answer is exact for the cost model, and `scipy.optimize.milp` finds the
same in the tests.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from jaxfake.models.remat import POLICIES, Policy, Segment, Segments
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import live
from jaxfake.train.memory.blocks import Stack
from jaxfake.train.memory.cards import GIB
from jaxfake.train.memory.costs import (
    Cost,
    cost,
    device_bytes,
    host_bytes,
    seconds_from,
    spared,
)
from jaxfake.train.memory.live import Live
from jaxfake.train.memory.plan import Place, Plan, with_segments
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.speed import Speed

HEADROOM = 0.04
"""Share of a budget that is left alone: a prediction may be off, and an allocator splits. Our choice."""


class Budget(NamedTuple):
    """What there is, in bytes."""

    device: float
    host: float
    offload: bool  # whether the device can copy from and to the host's memory

    @property
    def usable(self) -> float:
        """Of the device's memory, without the headroom."""
        return self.device * (1 - HEADROOM)


class Chosen(NamedTuple):
    """A plan and what it costs."""

    plan: Plan
    cost: Cost


class Choice(NamedTuple):
    """A stack's segments, and what decides about them; see `live.Live`."""

    segments: Segments
    live: Live
    seconds: float  # for one face, without copies


def best(profile: Profile, speed: Speed, budget: Budget, least: int = 1) -> list[Chosen]:
    """Plans that fit, the fastest first: the best of each way to place the state and cut the batch.

    Args:
        least: micro-batches that there must be at least.

    Raises:
        InputError: nothing fits; the smallest budget that would is named.
    """
    every = [choices(stack, speed, budget.offload) for stack in profile.stacks.values()]
    options: dict[Place, list[list[Choice]]] = {
        "device": [undominated(several) for several in every],
        # To cut parameters on the host is computation on the host: one segment a stack there.
        "host": [[one for one in several if len(one.segments) == 1] for several in every],
    }
    fitting = [
        chosen
        for base in _bases(profile, budget, least)
        for chosen in _fastest(profile, speed, budget, base, options[base.params])
    ]
    if not fitting:
        raise InputError(_nothing_fits(profile, budget, least))
    return sorted(fitting, key=lambda one: (one.cost.seconds, one.cost.device))


def smallest_budget(profile: Profile, offload: bool, least: int = 1) -> float:
    """The smallest budget of the device that some plan fits in, in bytes."""
    endless = Budget(float("inf"), float("inf"), offload)
    needs = (
        device_bytes(profile, _leanest(profile, base, offload))
        for base in _bases(profile, endless, least)
    )
    return min(needs) / (1 - HEADROOM)


def choices(stack: Stack, speed: Speed, offload: bool) -> list[Choice]:
    """What a stack may do: one policy, or two with any number of blocks each."""
    policies = [policy for policy in POLICIES if offload or policy != "offload"]
    policies.sort(key=lambda policy: stack.policies[policy].kept)
    options = [live.whole(policy, stack.depth) for policy in policies]
    options += [
        (Segment(lean, stack.depth - count), Segment(rich, count))
        for i, lean in enumerate(policies)
        for rich in policies[i + 1 :]
        for count in range(1, stack.depth)
    ]
    return [Choice(o, live.of_stack(stack, o), _seconds(stack, speed, o)) for o in options]


def undominated(options: list[Choice]) -> list[Choice]:
    """Without those that are nowhere better than another; the best plan is never lost."""
    table = np.array([[*one.live, one.seconds] for one in options])
    kept: list[int] = []
    for row in np.lexsort(table.T):
        if not any(np.all(table[other] <= table[row]) for other in kept):
            kept.append(int(row))
    return [options[i] for i in kept]


def _bases(profile: Profile, budget: Budget, least: int) -> Iterator[Plan]:
    """Everything that is decided beside the stacks."""
    cuts = range(least, profile.faces + 1) if profile.cuttable else [1]
    places: list[Place] = ["device", "host"] if budget.offload else ["device"]
    for parts, optimizer, params in product(cuts, places, places):
        if profile.faces % parts == 0:
            yield Plan(parts, optimizer=optimizer, params=params)


def _fastest(
    profile: Profile, speed: Speed, budget: Budget, base: Plan, options: list[list[Choice]]
) -> list[Chosen]:
    """The fastest plan of a base that fits; none if none does."""
    faces = profile.faces // base.micro_batches
    peak, copied, moved, compute = _combined(options)
    bytes_of = Live(np.zeros(()), peak, copied, moved)
    device = profile.arguments + profile.outputs + profile.fit.temporary(faces, bytes_of)
    device -= spared(profile, base)
    host = host_bytes(profile, base) + faces * moved
    seconds = seconds_from(profile, speed, base, compute, moved)
    seconds = np.where((device <= budget.usable) & (host <= budget.host), seconds, np.inf)
    at = np.unravel_index(np.argmin(seconds), seconds.shape)
    if not np.isfinite(seconds[at]):
        return []
    picked = {n: options[i][at[i]].segments for i, n in enumerate(profile.stacks)}
    plan = with_segments(base, picked)
    return [Chosen(plan, cost(profile, speed, plan))]


def _combined(options: list[list[Choice]]) -> tuple[np.ndarray, ...]:
    """Peak, copied and moved bytes, and seconds of all combinations; an axis a stack."""
    kept = peak = copied = moved = seconds = np.zeros(())
    for several in options:
        table = np.array([[*one.live, one.seconds] for one in several]).T
        of_kept, of_peak, of_copied, of_moved, of_seconds = table
        peak = np.maximum(peak[..., None], kept[..., None] + of_peak)
        kept = kept[..., None] + of_kept
        copied = copied[..., None] + of_copied
        moved = moved[..., None] + of_moved
        seconds = seconds[..., None] + of_seconds
    return peak, copied, moved, seconds


def _seconds(stack: Stack, speed: Speed, segments: Segments) -> float:
    """Of a stack for one face, without copies."""
    total = 0.0
    for segment in segments:
        block = stack.policies[segment.policy]
        total += segment.blocks * speed.block(segment.policy, block)
    return total


def _leanest(profile: Profile, base: Plan, offload: bool) -> Plan:
    policy: Policy = "offload" if offload else "full"
    stacks = {name: live.whole(policy, depth) for name, depth in profile.depths.items()}
    return with_segments(base, stacks)


def _nothing_fits(profile: Profile, budget: Budget, least: int) -> str:
    need = smallest_budget(profile, budget.offload, least)
    if need <= budget.device:
        return (
            f"no memory plan fits {budget.host / GIB:.2f} GiB of the host's memory beside "
            f"{budget.device / GIB:.2f} GiB of the device's: give it more of either"
        )
    return (
        f"no memory plan fits {budget.device / GIB:.2f} GiB: the smallest budget that would is "
        f"{need / GIB:.2f} GiB; a smaller batch_size needs less"
    )
