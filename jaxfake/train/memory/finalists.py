"""The best plan and the uniform policies beside it, compiled, and timed where that is quick.

What the compiler says of a plan is what counts: if it needs more than there is, the next one is tried. The
cost model is corrected by what the uniform policies needed and took, and proposes once more. Since all are
timed together, the fastest finalist is never slower than the best uniform policy that fits.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from jaxfake.models.remat import POLICIES, Policy
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.train.memory import search
from jaxfake.train.memory.budget import HEADROOM, Budget
from jaxfake.train.memory.calibration import calibrated, corrected
from jaxfake.train.memory.cost import Cost, cost, device_bytes, live_bytes
from jaxfake.train.memory.gradient_check import check_gradient, known_difference
from jaxfake.train.memory.out_of_memory import is_out_of_memory
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.rates import Rates, of_device
from jaxfake.train.memory.workload import (
    CompiledStep,
    Measured,
    Workload,
    compile_step,
    measure,
    noise,
    plan_of,
)

_TRIES = 4
"""Compiled plans of one kind before it is given up."""

_WARM_UP, _TURNS = 1, 3
"""Steps that a finalist makes before it is timed, and that it is timed for."""

_LESS = 0.95
"""Of the room, at most, when a plan needed more than was predicted."""

_LONGEST_STEP = 0.75
"""Seconds, predicted, so that five finalists are timed in 15. Nothing is timed where a step takes longer,
as ViT-B's does on a CPU. Our choice."""

_LONGEST_COMPILATION = 5.0
"""Seconds. Nothing is timed where a step takes longer to compile, as a ViT's does on a GPU: on an H200 a
race of six took 47 s. Our choice."""

_HOPELESS = 3.0
"""A uniform plan that is predicted to take so many times as long as the best is not compiled. Our
choice."""

_PATIENCE = 15.0
"""Seconds after which no further plan is compiled for the race, so that a start stays short on a machine
that is busy or has few cores. Those that are predicted to be fast come first. Our choice."""

_WORTH_IT = 0.98
"""Of the fastest finalist's seconds: a plan that is predicted to take less is compiled too. Our choice."""


class Finalist(NamedTuple):
    """A plan that fits.

    Attributes:
        predicted: before it was compiled.
        step: compiled.
        seconds: of a step.
        measured: whether the seconds were, or are predicted.
        peak: bytes, measured, see `workload.Measured`.
    """

    plan: Plan
    predicted: Cost
    step: CompiledStep
    seconds: float
    measured: bool
    peak: int | None


def finalists(workload: Workload, profile: Profile, budget: Budget) -> list[Finalist]:
    """Plans that fit, the fastest first; where a race would take too long, the best plan alone.

    The gradient of the first is right. Another one's is not known if it offloads.

    Raises:
        InputError: nothing fits.
    """
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    best = search.best(profile, rates, budget, workload.fewest_micro_batches)[0]
    if best.cost.seconds > _LONGEST_STEP or profile.compiling > _LONGEST_COMPILATION:
        return _untimed(workload, profile, rates, budget, best.plan)
    return race(workload, profile, budget)


def race(workload: Workload, profile: Profile, budget: Budget) -> list[Finalist]:
    """The same, timed in any case."""
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    return _first_is_right(workload, _timed(workload, profile, rates, budget))


def _timed(workload: Workload, profile: Profile, rates: Rates, budget: Budget) -> list[Finalist]:
    """The uniform plans, the best, and what is better still once these are known; the fastest first."""
    race, until = _Race(workload), time.monotonic() + _PATIENCE
    uniforms, best = _compiled(workload, profile, rates, budget, until)
    profile = corrected(profile, {plan_of(step): step.need.device for step in uniforms})
    for step in uniforms:
        race.run(step, cost(profile, rates, plan_of(step)))
    rates = calibrated(profile, rates, {one.plan: one.seconds for one in race.found})
    if best is not None:
        race.run(best, cost(profile, rates, plan_of(best)))
    in_time = time.monotonic() < until
    if in_time and _is_promised_more(workload, profile, rates, budget, race.found):
        better = proposed(workload, profile, rates, budget)
        if better is not None:
            race.run(better, cost(profile, rates, plan_of(better)))
    return sorted(race.found, key=lambda one: one.seconds)


def proposed(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget, quick: bool = True
) -> CompiledStep | None:
    """The plan that is predicted to be the fastest and that fits, compiled; None if none was found."""

    def propose(room: float) -> Plan | None:
        smaller = budget._replace(device=room / (1 - HEADROOM))
        try:
            return search.best(profile, rates, smaller, workload.fewest_micro_batches)[0].plan
        except InputError:
            return None

    return _fitting(workload, profile, budget, propose, quick)


class _Race:
    """Steps of a stage, timed one after the other.

    Each goes on from the state that the one before left, so that there is never more than one.

    Attributes:
        found: those that were timed.
    """

    def __init__(self, workload: Workload) -> None:
        self.found: list[Finalist] = []
        self._workload = workload
        self._batch = noise(workload)
        self._state: list[Any] = []

    def run(self, step: CompiledStep, predicted: Cost) -> None:
        """Times a step, unless it was timed already or runs out of memory."""
        plan = plan_of(step)
        done = None if plan in {one.plan for one in self.found} else self._measured(step)
        if done is not None:
            self.found.append(Finalist(plan, predicted, step, done.seconds, True, done.peak))

    def _measured(self, step: CompiledStep) -> Measured | None:
        try:
            done = measure(step, self._begin, self._batch, _TURNS, _WARM_UP)
        except jax.errors.JaxRuntimeError as error:
            if is_out_of_memory(error):
                return None
            raise
        self._state.append(done.state)
        return done._replace(state=None)

    def _begin(self) -> Any:
        return self._state.pop() if self._state else self._workload.parts.under(None).fresh()


def _is_promised_more(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget, found: list[Finalist]
) -> bool:
    """Whether another plan is predicted to be faster than all that were timed."""
    try:
        best = search.best(profile, rates, budget, workload.fewest_micro_batches)[0]
    except InputError:
        return False
    fastest = min((one.seconds for one in found), default=float("inf"))
    return best.cost.seconds < _WORTH_IT * fastest and best.plan not in {one.plan for one in found}


def _first_is_right(workload: Workload, found: list[Finalist]) -> list[Finalist]:
    """Without those before the first whose gradient is right."""
    for place, one in enumerate(found):
        if is_right(workload, one.plan):
            return found[place:]
    return []


def _untimed(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget, best: Plan
) -> list[Finalist]:
    """The best plan with its predicted seconds; one that offloads nothing if its gradient were wrong.

    It is compiled as it is trained with at once, since no other is compiled beside it. Meanwhile its kind
    of offloading is tried.
    """
    for one in (budget, budget._replace(offload=False)):
        with ThreadPoolExecutor(1) as pool:
            if best.offloads and one.offload:
                pool.submit(known_difference, workload, best)
            step = proposed(workload, profile, rates, one, quick=False)
        if step is not None and is_right(workload, plan_of(step)):
            predicted = cost(profile, rates, plan_of(step))
            return [Finalist(plan_of(step), predicted, step, predicted.seconds, False, None)]
    return []


def is_right(workload: Workload, plan: Plan) -> bool:
    """Whether a plan's gradient is right; says so if it is not."""
    try:
        check_gradient(workload, plan)
    except InputError as error:
        say(str(error))
        return False
    return True


def _compiled(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget, until: float
) -> tuple[list[CompiledStep], CompiledStep | None]:
    """Each uniform policy that may be fast, in the fewest micro-batches that fit; and the best plan.

    The latter is None if none fits or if it is uniform. As many are compiled at once as there are cores.

    Args:
        until: by `time.monotonic`, when no further one is begun; one is compiled in any case.
    """
    least = workload.fewest_micro_batches

    def compiled(policy: Policy | None) -> CompiledStep | None:
        if policy != wanted[0] and time.monotonic() > until:
            return None
        if policy is None:
            return proposed(workload, profile, rates, budget)

        def propose(room: float) -> Plan | None:
            return search.fewest_cuts(profile, policy, room, least)

        return _fitting(workload, profile, budget, propose, quick=True)

    promising = _promising(profile, rates, budget, least)
    best = search.best(profile, rates, budget, least)[0].plan
    wanted = [*([] if best in promising.values() else [None]), *promising]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        steps = dict(zip(wanted, pool.map(compiled, wanted), strict=True))
    return [step for policy, step in steps.items() if policy and step], steps.get(None)


def _promising(profile: Profile, rates: Rates, budget: Budget, least: int) -> dict[Policy, Plan]:
    """The uniform plans that may be fast, the fastest first; no time goes into compiling the others."""
    plans: dict[Policy, Plan] = {}
    for policy in POLICIES:
        if policy != "offload" or budget.offload:
            plan = search.fewest_cuts(profile, policy, budget.usable, least)
            if plan is not None:
                plans[policy] = plan
    seconds = {policy: cost(profile, rates, plan).seconds for policy, plan in plans.items()}
    shortest = min(seconds.values(), default=0.0)
    order = sorted(plans, key=lambda policy: seconds[policy])
    return {policy: plans[policy] for policy in order if seconds[policy] <= _HOPELESS * shortest}


def _fitting(
    workload: Workload,
    profile: Profile,
    budget: Budget,
    propose: Callable[[float], Plan | None],
    quick: bool,
) -> CompiledStep | None:
    """The first plan proposed that the compiler agrees fits; None if there is none.

    Args:
        propose: bytes on the device -> a plan that is predicted to fit them; None if there is none.
        quick: see `compile_step`.
    """
    room = budget.usable
    for _ in range(_TRIES):
        plan = propose(room)
        if plan is None:
            return None
        try:
            step = compile_step(workload, plan, quick)
        except jax.errors.JaxRuntimeError as error:
            reason = str(error).split("\n")[0][:200]
            say(f"the memory plan '{plan}' is left out, since it does not compile: {reason}")
            return None
        if step.need.device <= budget.usable and step.need.host <= budget.host:
            return step
        predicted = float(device_bytes(profile, plan, live_bytes(profile, plan)))
        room = min(predicted * budget.usable / step.need.device, _LESS * room)
    return None
