"""The planner's choice: the optimum of its cost model, found in two other ways too, within its budgets."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import cost as costs
from jaxfake.train.memory import peak, search
from jaxfake.train.memory.budget import HEADROOM, Budget
from jaxfake.train.memory.plan import Plan, uniform
from tests.train.memory.synthetic import MB, RATES, profile

PROFILE = profile()
LEAST = search.smallest_budget(PROFILE, offload=False)
MOST = costs.cost(PROFILE, RATES, uniform("none", PROFILE.depths)).device / (1 - HEADROOM)
BUDGETS = [*np.linspace(LEAST, MOST, 8) * 1.001]


def _budget(device: float, offload: bool = False) -> Budget:
    return Budget(device, 1e12, offload)


def _all_plans(offload: bool) -> list[Plan]:
    """Every plan that the planner may choose, by plain loops."""
    options = [search.choices(stack, RATES, offload) for stack in PROFILE.stacks.values()]
    places = ("device", "host") if offload else ("device",)
    return [
        Plan(parts, encoder=one.segments, decoder=other.segments, optimizer=opt, params=where)
        for parts in (1, 2, 4, 8, 16)
        for opt in places
        for where in places
        for one, other in product(*options)
        if where == "device" or len(one.segments) == len(other.segments) == 1
    ]


@pytest.mark.parametrize("offload", [False, True])
def test_the_chosen_plan_is_the_best_of_all(offload: bool) -> None:
    every = [(plan, costs.cost(PROFILE, RATES, plan)) for plan in _all_plans(offload)]
    for device in BUDGETS[:: 4 if offload else 2]:
        fitting = [c.seconds for _, c in every if c.device <= device * (1 - HEADROOM)]
        chosen = search.best(PROFILE, RATES, _budget(device, offload))[0]
        assert chosen.cost == costs.cost(PROFILE, RATES, chosen.plan)
        assert chosen.cost.seconds == pytest.approx(min(fitting), rel=1e-12)


@pytest.mark.parametrize("device", BUDGETS[1::3])
def test_an_integer_program_finds_the_same(device: float) -> None:
    for parts in (1, 4):
        chosen = [
            one
            for one in search.best(PROFILE, RATES, _budget(device))
            if one.plan.micro_batches == parts
        ]
        best = _by_milp(parts, device * (1 - HEADROOM))
        assert (best is None) == (not chosen)
        if chosen:
            assert chosen[0].cost.seconds == pytest.approx(best, rel=1e-9)


def _by_milp(parts: int, room: float) -> float | None:
    """Least seconds by integer programming: one choice a stack, each phase of the backward pass in room."""
    faces, fit = PROFILE.faces // parts, PROFILE.fit
    options = [search.choices(stack, RATES, offload=False) for stack in PROFILE.stacks.values()]
    base = costs.step_seconds(PROFILE, RATES, Plan(parts), np.zeros(()), np.zeros(()))
    seconds = [PROFILE.faces * one.seconds for several in options for one in several]
    one_each = np.zeros((len(options), len(seconds)))
    phases = np.zeros((len(options), len(seconds)))
    column = 0
    for number, several in enumerate(options):
        for one in several:
            one_each[number, column] = 1
            phases[number, column] = faces * one.live.peak + one.live.copied
            phases[number + 1 :, column] = faces * one.live.kept + one.live.copied
            phases[:number, column] = one.live.copied
            column += 1
    free = room - PROFILE.arguments - PROFILE.outputs - fit.base - faces * fit.per_face
    found = milp(
        np.array(seconds),
        integrality=np.ones(len(seconds)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(phases, -np.inf, free)],
        options={"mip_rel_gap": 0.0},
    )
    return float(base + found.fun) if found.success else None


@pytest.mark.parametrize("offload", [False, True])
def test_more_memory_is_never_slower_and_the_peak_stays_inside(offload: bool) -> None:
    before = np.inf
    for device in BUDGETS:
        chosen = search.best(PROFILE, RATES, _budget(device, offload))[0]
        assert chosen.cost.device <= device * (1 - HEADROOM)
        assert chosen.cost.seconds <= before
        before = chosen.cost.seconds


def test_the_predicted_peak_grows_with_the_budget() -> None:
    peaks = [search.best(PROFILE, RATES, _budget(device))[0].cost.device for device in BUDGETS]
    assert peaks == sorted(peaks)


def test_it_is_never_slower_than_a_uniform_policy_that_fits() -> None:
    for device, policy, parts in product(BUDGETS, ("none", "dots", "named", "full"), (1, 2, 4)):
        plan = uniform(policy, PROFILE.depths, micro_batches=parts)
        rival = costs.cost(PROFILE, RATES, plan)
        if rival.device <= device * (1 - HEADROOM):
            assert search.best(PROFILE, RATES, _budget(device))[0].cost.seconds <= rival.seconds


def test_too_small_a_budget_is_refused_with_the_smallest_that_would_do() -> None:
    with pytest.raises(InputError, match=r"the smallest budget that would is \d+\.\d+ GiB"):
        search.best(PROFILE, RATES, _budget(0.99 * LEAST))
    assert search.best(PROFILE, RATES, _budget(1.0001 * LEAST))


def test_too_small_a_host_is_named() -> None:
    roomy = search.best(PROFILE, RATES, _budget(0.9 * LEAST, offload=True))[0]
    assert roomy.plan.offloads
    with pytest.raises(InputError, match="of the host's memory"):
        search.best(PROFILE, RATES, Budget(0.9 * LEAST, 1.0, offload=True))


def test_a_batch_that_may_not_be_cut_is_not_cut() -> None:
    whole = dataclasses.replace(PROFILE, cuttable=False)
    assert search.best(whole, RATES, _budget(MOST))[0].plan.micro_batches == 1


def test_as_many_micro_batches_as_asked_for() -> None:
    assert search.best(PROFILE, RATES, _budget(MOST), least=4)[0].plan.micro_batches >= 4


def test_dominated_choices_are_never_missed() -> None:
    stack = PROFILE.stacks["encoder"]
    every = search.choices(stack, RATES, offload=False)
    kept = search.undominated(every)
    assert len(kept) < len(every)
    for one in every:
        assert any(
            all(x <= y for x, y in zip((*k.live, k.seconds), (*one.live, one.seconds), strict=True))
            for k in kept
        )


def test_what_a_segment_computes_again_counts_once() -> None:
    stack = PROFILE.stacks["encoder"]
    full, none = (peak.of_stack(stack, peak.whole(p, stack.depth)) for p in ("full", "none"))
    assert none.peak == none.kept == 6 * 12 * MB
    assert full.peak == pytest.approx(full.kept + 23 * 0.5 * MB)
