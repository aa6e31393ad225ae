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
from jaxfake.train.memory import peak
from jaxfake.train.memory.budget import GIB, HEADROOM, Budget
from jaxfake.train.memory.cost import (
    Cost,
    cost,
    device_bytes,
    host_bytes,
    live_bytes,
    stack_seconds,
    step_seconds,
)
from jaxfake.train.memory.peak import Live, Stack
from jaxfake.train.memory.plan import Place, Plan, uniform, with_segments
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.rates import Rates


class Chosen(NamedTuple):
    """A plan and what it is predicted to cost."""

    plan: Plan
    cost: Cost


class Choice(NamedTuple):
    """A stack's segments, and what decides about them; see `peak.Live`."""

    segments: Segments
    live: Live
    seconds: float  # for one face, without copies


def best(profile: Profile, rates: Rates, budget: Budget, least: int = 1) -> list[Chosen]:
    """Plans that fit, the fastest first: the best of each way to place the state and cut the batch.

    Args:
        least: micro-batches that there must be at least.

    Raises:
        InputError: nothing fits; the smallest budget that would is named.
    """
    every = [
        choices(profile.fit.scaled(stack), rates, budget.offload)
        for stack in profile.stacks.values()
    ]
    options: dict[Place, list[list[Choice]]] = {
        "device": [undominated(several) for several in every],
        # To cut parameters on the host is computation on the host: one segment a stack there.
        "host": [[one for one in several if len(one.segments) == 1] for several in every],
    }
    fitting = [
        chosen
        for base in bases(profile, budget, least)
        for chosen in _fastest(profile, rates, budget, base, options[base.params])
    ]
    if not fitting:
        raise InputError(_nothing_fits(profile, budget, least))
    return sorted(fitting, key=lambda one: (one.cost.seconds, one.cost.device))


def fewest_cuts(
    profile: Profile, policy: Policy, room: float, least: int = 1, **changes: Place
) -> Plan | None:
    """The uniform plan with the fewest micro-batches that is predicted to fit; None if none does.

    Args:
        room: bytes on the device.
        changes: where the state lies, see `Plan`.
    """
    cuts = range(least, profile.faces + 1) if profile.cuttable else [1]
    for parts in cuts:
        if profile.faces % parts == 0:
            plan = uniform(policy, profile.depths, micro_batches=parts, **changes)
            if device_bytes(profile, plan, live_bytes(profile, plan)) <= room:
                return plan
    return None


def smallest_budget(profile: Profile, offload: bool, least: int = 1) -> float:
    """The smallest budget of the device that some plan fits in, in bytes."""
    policy: Policy = "offload" if offload else "full"
    leanest = uniform(policy, profile.depths)
    endless = Budget(float("inf"), float("inf"), offload)
    needs = []
    for base in bases(profile, endless, least):
        plan = with_segments(base, {name: getattr(leanest, name) for name in profile.stacks})
        needs.append(float(device_bytes(profile, plan, live_bytes(profile, plan))))
    return min(needs) / (1 - HEADROOM)


def choices(stack: Stack, rates: Rates, offload: bool) -> list[Choice]:
    """What a stack may do: one policy, or two with any number of blocks each."""
    policies = [policy for policy in POLICIES if offload or policy != "offload"]
    policies.sort(key=lambda policy: stack.policies[policy].kept)
    options = [peak.whole(policy, stack.depth) for policy in policies]
    options += [
        (Segment(less, stack.depth - count), Segment(more, count))
        for i, less in enumerate(policies)
        for more in policies[i + 1 :]
        for count in range(1, stack.depth)
    ]
    return [Choice(o, peak.of_stack(stack, o), stack_seconds(stack, rates, o)) for o in options]


def undominated(options: list[Choice]) -> list[Choice]:
    """Without those that are nowhere better than another; the best plan is never lost."""
    table = np.array([[*one.live, one.seconds] for one in options])
    kept: list[int] = []
    for row in np.lexsort(table.T):
        if not any(np.all(table[other] <= table[row]) for other in kept):
            kept.append(int(row))
    return [options[i] for i in kept]


def bases(profile: Profile, budget: Budget, least: int) -> Iterator[Plan]:
    """Everything that is decided beside the stacks."""
    cuts = range(least, profile.faces + 1) if profile.cuttable else [1]
    places: list[Place] = ["device", "host"] if budget.offload else ["device"]
    localisers: list[Policy] = ["none", "full"] if profile.localiser_spares else ["none"]
    for parts, localiser, optimizer, params in product(cuts, localisers, places, places):
        if profile.faces % parts == 0:
            yield Plan(parts, localiser=localiser, optimizer=optimizer, params=params)


def _fastest(
    profile: Profile, rates: Rates, budget: Budget, base: Plan, options: list[list[Choice]]
) -> list[Chosen]:
    """The fastest plan of a base that fits; none if none does."""
    live, compute = _combined(options)
    device = device_bytes(profile, base, live)
    host = host_bytes(profile, base, live.moved)
    seconds = step_seconds(profile, rates, base, compute, live.moved)
    seconds = np.where((device <= budget.usable) & (host <= budget.host), seconds, np.inf)
    at = np.unravel_index(np.argmin(seconds), seconds.shape)
    if not np.isfinite(seconds[at]):
        return []
    picked = {name: options[i][at[i]].segments for i, name in enumerate(profile.stacks)}
    plan = with_segments(base, picked)
    return [Chosen(plan, cost(profile, rates, plan))]


def _combined(options: list[list[Choice]]) -> tuple[Live, np.ndarray]:
    """Bytes and seconds of all combinations of the stacks' choices; an axis a stack."""
    lives, seconds = [], np.zeros(())
    for axis, several in enumerate(options):
        table = np.array([[*one.live, one.seconds] for one in several]).T
        shape = [-1 if axis == n else 1 for n in range(len(options))]
        *bytes_of, of_seconds = (column.reshape(shape) for column in table)
        lives.append(Live(*bytes_of))
        seconds = seconds + of_seconds
    combined = peak.together(lives)
    return combined._replace(peak=np.broadcast_to(combined.peak, seconds.shape)), seconds


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
