"""From what a config says of memory to the update of a stage.

'off' adds nothing, and neither does 'auto' where the plain step fits. Else 'auto' takes the fastest plan
that fits (`finalists`). The choice is kept in the cache folder, so this costs once. A plan that
offloads is checked for its gradient first.
"""

import dataclasses

import jax

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.train.memory.budget import GIB, Budget, device_budget
from jaxfake.train.memory.cost import cost, iteration
from jaxfake.train.memory.counts import count
from jaxfake.train.memory.finalists import finalists, is_right, proposed
from jaxfake.train.memory.gradient_check import check_gradient
from jaxfake.train.memory.kept import kept, known
from jaxfake.train.memory.next_use import nbytes
from jaxfake.train.memory.placement import check_offload
from jaxfake.train.memory.plan import Plan, parse_plan
from jaxfake.train.memory.profile import (
    Profile,
    depths_of,
    has_localiser,
    kept_profile,
    known_profile,
    whole_profile,
)
from jaxfake.train.memory.rates import of_device
from jaxfake.train.memory.timeline import Iteration
from jaxfake.train.memory.workload import (
    CompiledStep,
    Workload,
    compile_step,
    plan_of,
    trace_step,
)
from jaxfake.train.update import Update

OFF, AUTO = "off", "auto"

_AFTER_FAILURE = 0.9
"""Share that is planned for of the memory that did not suffice. Our choice."""

_SURELY_KEPT = 0.9
"""Of what a traced step keeps; compilers kept 0.98 to 1.04 of it on a CPU and on an H200."""


def update_for(workload: Workload) -> Update:
    """The update of a stage as its config wants it.

    Raises:
        InputError: nothing fits, or the plan cannot be followed here.
    """
    text = workload.config.memory
    if text == OFF:
        return workload.parts.under(None)
    if _is_auto(text):
        return _automatic(workload, _budget(text))
    plan = given_plan(workload, text)
    check_gradient(workload, plan)
    return workload.parts.under(plan)


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


def planned_iteration(workload: Workload) -> tuple[Plan, Iteration] | None:
    """The plan of a stage and what an iteration of it does, if both are known without compiling."""
    text = workload.config.memory
    profile = kept_profile(workload)
    if _is_auto(text):
        text = known("choice", _choice_key(workload, _budget(text))) or OFF
    if text == OFF or profile is None:
        return None
    plan = parse_plan(text, depths_of(workload))
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    return plan, iteration(profile, rates, plan)


def advice(workload: Workload, failed: Plan | None) -> str:
    """The flag to add after a device ran out of memory: a plan, where one is found by compiling alone.

    Args:
        failed: the plan that did not fit; None for the plain step.
    """
    if jax.process_count() > 1:  # one of them cannot compile without the others
        return "a memory plan that needs less: `python -m jaxfake.plan` shows some"
    rates = of_device(jax.devices()[0], workload.config.model.dtype)
    profile, budget = kept_profile(workload) or known_profile(workload), device_budget()
    plain = Plan(micro_batches=workload.fewest_micro_batches)
    compiled = workload.compiled.get((failed, False))
    need = compiled.need.device if compiled else cost(profile, rates, failed or plain).device
    smaller = budget._replace(device=_AFTER_FAILURE * min(budget.device, need))
    step = proposed(workload, profile, rates, smaller)
    if step is None:
        return "a smaller batch_size, since no memory plan was found that needs less"
    return f"--config.memory='{plan_of(step)}', which takes {_share(step.need.device, budget)}"


def _is_auto(text: str) -> bool:
    return text.partition(":")[0] == AUTO


def _budget(text: str) -> Budget:
    """What 'auto' or 'auto:SIZE' says there is."""
    return device_budget(text.partition(":")[2])


def _automatic(workload: Workload, budget: Budget) -> Update:
    plain = None
    if _at_least(workload) <= budget.usable:
        plain = compile_step(workload, None, quick=False)
        if plain.need.device <= budget.usable:
            return plain.update
    if jax.process_count() > 1:
        need = plain.need.device if plain else _at_least(workload)
        raise InputError(
            f"config.memory={workload.config.memory}: the plain step needs {_share(need, budget)}"
            f"{'' if plain else ' or more'}, and several processes cannot look for a plan: give them one "
            "that `python -m jaxfake.plan` shows"
        )
    whole = plain if workload.fewest_micro_batches == 1 else None
    text = kept("choice", _choice_key(workload, budget), lambda: _chosen(workload, budget, whole))
    plan = parse_plan(text, depths_of(workload))
    check_gradient(workload, plan)
    step = compile_step(workload, plan, quick=False)
    say(f"memory plan: {plan}; {_share(step.need.device, budget)}")
    return step.update


def _at_least(workload: Workload) -> float:
    """Bytes without which the plain step surely does not run; nothing is compiled to know them."""
    kept_bytes = count(trace_step(workload, None).program).kept + nbytes(workload.batch)
    share = kept_bytes / workload.parts.mesh.size
    return nbytes(workload.parts.abstract) + _SURELY_KEPT * share


def _chosen(workload: Workload, budget: Budget, whole: CompiledStep | None) -> str:
    """The fastest plan; one whose localiser computes again if no other fits."""
    try:
        return _fastest(workload, known_profile(workload, whole), budget)
    except InputError:
        if not has_localiser(workload):
            raise
    return _fastest(workload, whole_profile(workload), budget)


def _fastest(workload: Workload, profile: Profile, budget: Budget) -> str:
    """The fastest finalist that still fits when it is compiled as it is trained with."""
    for one in finalists(workload, profile, budget):
        step = compile_step(workload, one.plan, quick=False)
        if step.need.device <= budget.usable and is_right(workload, one.plan):
            return str(one.plan)
    raise InputError(f"no memory plan was found that compiles into {budget.device / GIB:.2f} GiB")


def _choice_key(workload: Workload, budget: Budget) -> str:
    return f"{budget} {workload.fewest_micro_batches} {workload.key}"


def _share(size: float, budget: Budget) -> str:
    return f"{size / GIB:.2f} of {budget.device / GIB:.2f} GiB"
