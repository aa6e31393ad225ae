"""From what a config says of memory to the update of a stage.

'auto' adds nothing where the plain step fits. Else the search proposes and the compiler disposes: what
the compiler says of a plan is what counts, and if that is more than there is, the next one is tried. On a
device at hand the best plan and every uniform policy that fits run for a few steps, and the fastest is
taken; so the choice is never slower there than the best uniform policy. It is kept in the cache
folder, so this costs once. A plan that offloads is checked for its gradient first.
"""

import dataclasses
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from jaxfake.models.remat import POLICIES, Policy
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.train.memory import search
from jaxfake.train.memory.cost import (
    Cost,
    calibrated,
    corrected,
    cost,
    device_bytes,
    iteration,
    live_bytes,
)
from jaxfake.train.memory.gradient_check import check_gradient
from jaxfake.train.memory.kept import kept, known
from jaxfake.train.memory.out_of_memory import is_out_of_memory
from jaxfake.train.memory.placement import check_offload, why_no_offload
from jaxfake.train.memory.plan import Plan, parse_plan
from jaxfake.train.memory.profile import Profile, depths_of, from_json, known_profile
from jaxfake.train.memory.rates import GIB, Rates, of_device
from jaxfake.train.memory.search import Budget
from jaxfake.train.memory.timeline import Iteration
from jaxfake.train.memory.workload import (
    CompiledStep,
    MemoryNeed,
    Workload,
    compile_step,
    measure,
    noise,
    plan_of,
)
from jaxfake.train.update import Update

OFF, AUTO = "off", "auto"

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti)?B?", re.IGNORECASE)
_UNITS = {"": 1, "ki": 2**10, "mi": 2**20, "gi": GIB, "ti": 2**40}

_TRIES = 4
"""Compiled plans of one kind before it is given up."""

_TURNS = 3
"""Steps that a finalist is timed for."""

_AFTER_FAILURE = 0.9
"""Share of a device's memory that is planned for once it did not suffice. Our choice."""

_LESS = 0.95
"""Of the room, at least, when a plan needed more than was predicted."""

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


def update_for(workload: Workload) -> Update:
    """The update of a stage as its config wants it.

    Raises:
        InputError: nothing fits, or the plan cannot be followed here.
    """
    text = workload.config.memory
    if text == OFF:
        return workload.parts.under(None)
    if text.partition(":")[0] != AUTO:
        plan = given_plan(workload, text)
        check_gradient(workload, plan)
        return workload.parts.under(plan)
    return _automatic(workload, device_budget(text))


def given_plan(workload: Workload, text: str) -> Plan:
    """The plan that a config spells out, if it can be followed.

    Raises:
        InputError: it cannot.
    """
    plan = parse_plan(text, depths_of(workload))
    if workload.faces % plan.micro_batches:
        raise InputError(
            f"config.memory: micro_batches={plan.micro_batches} must divide the {workload.faces} faces "
            "of a device"
        )
    if plan.micro_batches > 1 and not workload.cuttable:
        raise InputError(
            "config.memory: micro_batches must be 1 with method.meta.held_out: an inner step is made on a "
            "whole batch"
        )
    check_offload(plan, jax.devices()[0])
    return dataclasses.replace(
        plan, micro_batches=max(plan.micro_batches, workload.fewest_micro_batches)
    )


def device_budget(text: str = AUTO) -> Budget:
    """What the device and the host have, or 'auto:SIZE' says the device has.

    A CPU's memory is the host's.
    """
    device = jax.devices()[0]
    host = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    stats = device.memory_stats() or {}
    given = text.partition(":")[2]
    memory = size_in_bytes(given) if given else float(stats.get("bytes_limit", host))
    return Budget(memory, host, why_no_offload(device) is None)


def size_in_bytes(text: str) -> float:
    """Bytes of a size such as '24GiB' or '800MiB'.

    Raises:
        InputError: it is not one.
    """
    matched = _SIZE.fullmatch(text.strip())
    if matched is None or float(matched[1]) == 0:
        raise InputError(f"{text!r} is not a size of memory: write it like 24GiB or 800MiB")
    return float(matched[1]) * _UNITS[(matched[2] or "").lower()]


def finalists(workload: Workload, profile: Profile, budget: Budget) -> list[Finalist]:
    """The best plan and every uniform policy, those that fit; the fastest first.

    Raises:
        InputError: nothing fits.
    """
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    policies = _promising(workload, profile, rates, budget)
    with ThreadPoolExecutor(max(1, len(policies))) as pool:
        steps = pool.map(lambda policy: _uniform(workload, profile, budget, policy), policies)
    uniforms = [step for step in steps if step is not None]
    profile = corrected(profile, {plan_of(step): step.need.device for step in uniforms})
    found = _raced(workload, profile, rates, uniforms)
    rates = calibrated(profile, rates, {one.plan: one.seconds for one in found if one.measured})
    try:
        proposed = _proposed(workload, profile, rates, budget)
    except InputError:
        if not found:
            raise
        proposed = None
    if proposed is not None and plan_of(proposed) not in {one.plan for one in found}:
        found += _raced(workload, profile, rates, [proposed])
    return sorted(found, key=lambda one: one.seconds)


def advice(workload: Workload) -> str:
    """The flag to add after the device ran out of memory: a plan, where one is found by compiling alone."""
    budget = device_budget()
    smaller = budget._replace(device=_AFTER_FAILURE * budget.device)
    try:
        rates = of_device(jax.devices()[0], workload.config.model.dtype)
        step = _proposed(workload, known_profile(workload), rates, smaller)
    except InputError as error:
        return f"a smaller batch_size: {error}"
    if step is None:
        return "a smaller batch_size"
    need = _of(step.need.device, budget)
    return f"--config.memory='{plan_of(step)}', which takes {need}"


def _automatic(workload: Workload, budget: Budget) -> Update:
    plain = compile_step(workload, None, quick=False)
    if plain.need.device <= budget.usable:
        return plain.update
    if jax.process_count() > 1:
        raise InputError(
            f"config.memory={workload.config.memory}: the plain step needs "
            f"{_of(plain.need.device, budget)}, and several processes cannot look for a plan: give them "
            "one that `python -m jaxfake.plan` shows"
        )
    whole = plain.need if workload.fewest_micro_batches == 1 else None
    text = kept("choice", _choice_key(workload, budget), lambda: _chosen(workload, budget, whole))
    plan = parse_plan(text, depths_of(workload))
    check_gradient(workload, plan)
    step = compile_step(workload, plan, quick=False)
    say(f"memory plan: {plan}; {_of(step.need.device, budget)}")
    return step.update


def _chosen(workload: Workload, budget: Budget, whole: MemoryNeed | None) -> str:
    """The fastest finalist that still fits when it is compiled as it is trained with."""
    for one in finalists(workload, known_profile(workload, whole), budget):
        step = compile_step(workload, one.plan, quick=False)
        if step.need.device <= budget.usable:
            return str(one.plan)
    raise InputError(f"no memory plan was found that compiles into {budget.device / GIB:.2f} GiB")


def _choice_key(workload: Workload, budget: Budget) -> str:
    return f"{budget} {workload.fewest_micro_batches} {workload.key}"


def planned_iteration(workload: Workload) -> tuple[Plan, Iteration] | None:
    """The plan of a stage and what an iteration of it does, if both are known without compiling."""
    text = workload.config.memory
    profile = known("profile", workload.key)
    if text == OFF or profile is None:
        return None
    if text.partition(":")[0] == AUTO:
        text = known("choice", _choice_key(workload, device_budget(text)))
        if text is None:
            return None
    plan = parse_plan(text, depths_of(workload))
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    return plan, iteration(from_json(profile), rates, plan)


def _promising(workload: Workload, profile: Profile, rates: Rates, budget: Budget) -> list[Policy]:
    """The policies whose uniform plan may be fast, so that no time goes into compiling the others."""
    seconds: dict[Policy, float] = {}
    for policy in POLICIES:
        if policy != "offload" or budget.offload:
            plan = search.fewest_cuts(profile, policy, budget.usable, workload.fewest_micro_batches)
            if plan is not None:
                seconds[policy] = cost(profile, rates, plan).seconds
    least = min(seconds.values(), default=0.0)
    return [policy for policy, one in seconds.items() if one <= _HOPELESS * least]


def _uniform(
    workload: Workload, profile: Profile, budget: Budget, policy: Policy
) -> CompiledStep | None:
    """The uniform plan with the fewest micro-batches that fits; None if none does."""

    def propose(room: float) -> Plan | None:
        return search.fewest_cuts(profile, policy, room, workload.fewest_micro_batches)

    return _fitting(workload, profile, budget, propose)


def _proposed(
    workload: Workload, profile: Profile, rates: Rates, budget: Budget
) -> CompiledStep | None:
    """The plan that is predicted to be the fastest and that fits; None if none was found."""

    def propose(room: float) -> Plan:
        smaller = budget._replace(device=room / (1 - search.HEADROOM))
        return search.best(profile, rates, smaller, workload.fewest_micro_batches)[0].plan

    return _fitting(workload, profile, budget, propose)


def _fitting(
    workload: Workload, profile: Profile, budget: Budget, propose: Callable[[float], Plan | None]
) -> CompiledStep | None:
    """The first plan proposed that the compiler agrees fits.

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
            say(f"the memory plan '{plan}' is left out, since it does not compile: {_line(error)}")
            return None
        if step.need.device <= budget.usable and step.need.host <= budget.host:
            return step
        predicted = float(device_bytes(profile, plan, live_bytes(profile, plan)))
        room = min(predicted * budget.usable / step.need.device, _LESS * room)
    return None


def _raced(
    workload: Workload, profile: Profile, rates: Rates, steps: list[CompiledStep]
) -> list[Finalist]:
    """The steps with their seconds: measured if that is quick, else predicted.

    Left out is what gives a wrong gradient or runs out of memory.
    """
    costs = [cost(profile, rates, plan_of(step)) for step in steps]
    best = min((one.seconds for one in costs), default=0.0)
    found: list[Finalist] = []
    states: list[Any] = []  # the last one's, to begin with

    def begin() -> Any:
        return states.pop() if states else workload.parts.under(None).fresh()

    for step, predicted in zip(steps, costs, strict=True):
        plan, seconds, peak = plan_of(step), predicted.seconds, None
        if best <= _LONGEST_STEP:
            try:
                check_gradient(workload, plan)
                seconds, peak, after = measure(step, begin, noise(workload), _TURNS)
                states.append(after)
                del after
            except InputError as error:
                say(str(error))
                continue
            except jax.errors.JaxRuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                continue
        found.append(Finalist(plan, predicted, step, seconds, best <= _LONGEST_STEP, peak))
    return found


def _line(error: Exception) -> str:
    return str(error).split("\n")[0][:200]


def _of(size: float, budget: Budget) -> str:
    return f"{size / GIB:.2f} of {budget.device / GIB:.2f} GiB"
