"""The best plan and every uniform policy, compiled, and timed where a step is short.

What the compiler says of a plan is what counts: if it needs more than there is, the next one is tried. The
cost model is corrected by the uniform policies before the best plan is looked for. Since they are
timed together, the fastest finalist is never slower than the best uniform policy that fits.
"""

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
from jaxfake.train.memory.gradient_check import check_gradient
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

_TURNS = 3
"""Steps that a finalist is timed for."""

_LESS = 0.95
"""Of the room, at most, when a plan needed more than was predicted."""

_LONGEST_STEP = 2.0
"""Seconds, predicted; nothing is timed where a step takes longer, as ViT-B's does on a CPU. Our choice."""

_HOPELESS = 3.0
"""A uniform plan that is predicted to take so many times as long as the best is not compiled. Our
choice."""


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
    """Plans that fit, the fastest first; where a step is too long to be timed, the best plan alone.

    Raises:
        InputError: nothing fits.
    """
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    best = search.best(profile, rates, budget, workload.fewest_micro_batches)[0]
    if best.cost.seconds > _LONGEST_STEP:
        return _untimed(workload, profile, rates, budget)
    race = _Race(workload)
    uniforms = _uniforms(workload, profile, rates, budget)
    profile = corrected(profile, {plan_of(step): step.need.device for step in uniforms})
    found = [
        one for step in uniforms for one in race.run(step, cost(profile, rates, plan_of(step)))
    ]
    rates = calibrated(profile, rates, {one.plan: one.seconds for one in found})
    step = proposed(workload, profile, rates, budget)
    if step is not None and plan_of(step) not in {one.plan for one in found}:
        found += race.run(step, cost(profile, rates, plan_of(step)))
    return sorted(found, key=lambda one: one.seconds)


def proposed(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget
) -> CompiledStep | None:
    """The plan that is predicted to be the fastest and that fits, compiled; None if none was found."""

    def propose(room: float) -> Plan | None:
        smaller = budget._replace(device=room / (1 - HEADROOM))
        try:
            return search.best(profile, rates, smaller, workload.fewest_micro_batches)[0].plan
        except InputError:
            return None

    return _fitting(workload, profile, budget, propose)


class _Race:
    """Steps of a stage, timed one after the other.

    Each goes on from the state that the one before left, so that there is never more than one.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._state: list[Any] = []

    def run(self, step: CompiledStep, predicted: Cost) -> list[Finalist]:
        """The step as a finalist; none if its gradient is wrong or it runs out of memory."""
        plan = plan_of(step)
        done = self._measured(step) if _right(self._workload, plan) else None
        if done is None:
            return []
        return [Finalist(plan, predicted, step, done.seconds, True, done.peak)]

    def _measured(self, step: CompiledStep) -> Measured | None:
        try:
            done = measure(step, self._begin, noise(self._workload), _TURNS)
        except jax.errors.JaxRuntimeError as error:
            if is_out_of_memory(error):
                return None
            raise
        self._state.append(done.state)
        return done._replace(state=None)

    def _begin(self) -> Any:
        return self._state.pop() if self._state else self._workload.parts.under(None).fresh()


def _untimed(workload: Workload, profile: Profile, rates: Rates, budget: Budget) -> list[Finalist]:
    """The best plan with its predicted seconds; one that offloads nothing if its gradient were wrong."""
    for one in (budget, budget._replace(offload=False)):
        step = proposed(workload, profile, rates, one)
        if step is not None and _right(workload, plan_of(step)):
            predicted = cost(profile, rates, plan_of(step))
            return [Finalist(plan_of(step), predicted, step, predicted.seconds, False, None)]
    return []


def _right(workload: Workload, plan: Plan) -> bool:
    """Whether a plan's gradient is right; says so if it is not."""
    try:
        check_gradient(workload, plan)
    except InputError as error:
        say(str(error))
        return False
    return True


def _uniforms(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget
) -> list[CompiledStep]:
    """Each uniform policy that may be fast, in the fewest micro-batches with which it fits."""
    least = workload.fewest_micro_batches

    def compiled(policy: Policy) -> CompiledStep | None:
        def propose(room: float) -> Plan | None:
            return search.fewest_cuts(profile, policy, room, least)

        return _fitting(workload, profile, budget, propose)

    policies = _promising(profile, rates, budget, least)
    with ThreadPoolExecutor(max(1, len(policies))) as pool:
        return [step for step in pool.map(compiled, policies) if step is not None]


def _promising(profile: Profile, rates: Rates, budget: Budget, least: int) -> list[Policy]:
    """The policies whose uniform plan may be fast, so that no time goes into compiling the others."""
    seconds: dict[Policy, float] = {}
    for policy in POLICIES:
        if policy != "offload" or budget.offload:
            plan = search.fewest_cuts(profile, policy, budget.usable, least)
            if plan is not None:
                seconds[policy] = cost(profile, rates, plan).seconds
    shortest = min(seconds.values(), default=0.0)
    return [policy for policy, one in seconds.items() if one <= _HOPELESS * shortest]


def _fitting(
    workload: Workload, profile: Profile, budget: Budget, propose: Callable[[float], Plan | None]
) -> CompiledStep | None:
    """The first plan proposed that the compiler agrees fits; None if there is none.

    Args:
        propose: bytes on the device -> a plan that is predicted to fit them; None if there is none.
    """
    room = budget.usable
    for _ in range(_TRIES):
        plan = propose(room)
        if plan is None:
            return None
        try:
            step = compile_step(workload, plan, quick=True)
        except jax.errors.JaxRuntimeError as error:
            reason = str(error).split("\n")[0][:200]
            say(f"the memory plan '{plan}' is left out, since it does not compile: {reason}")
            return None
        if step.need.device <= budget.usable and step.need.host <= budget.host:
            return step
        predicted = float(device_bytes(profile, plan, live_bytes(profile, plan)))
        room = min(predicted * budget.usable / step.need.device, _LESS * room)
    return None
