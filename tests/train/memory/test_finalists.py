"""Which plans are compiled and timed, and who wins; with a compiler and a clock that tests can bend."""

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import finalists as finalists_module
from jaxfake.train.memory import search
from jaxfake.train.memory.budget import Budget
from jaxfake.train.memory.cost import cost
from jaxfake.train.memory.finalists import Finalist, finalists, race
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.memory.workload import Measured
from tests.train.memory.synthetic import RATES, profile

PROFILE = profile(cuttable=False)
PLAIN = cost(PROFILE, RATES, Plan())
BUDGET = Budget(0.8 * PLAIN.device, 1e12, offload=False)
WORKLOAD: Any = SimpleNamespace(
    fewest_micro_batches=1, config=SimpleNamespace(model=SimpleNamespace(dtype="float32"))
)
Bend = Callable[[Plan], float]


@dataclasses.dataclass
class Device:
    """What the compiler and the clock say, as multiples of what is predicted."""

    bytes_of: Bend = lambda _: 1.0
    seconds_of: Bend = lambda _: 1.0

    def compile_step(self, _: Any, plan: Plan, quick: bool) -> Any:
        need = self.bytes_of(plan) * cost(PROFILE, RATES, plan).device
        return SimpleNamespace(
            update=SimpleNamespace(plan=plan), need=SimpleNamespace(device=need, host=0)
        )

    def measure(self, step: Any, *_: Any) -> Measured:
        seconds = self.seconds_of(step.update.plan) * cost(PROFILE, RATES, step.update.plan).seconds
        return Measured(seconds, None, None)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    monkeypatch.setattr(finalists_module, "of_device", lambda *_: RATES)
    monkeypatch.setattr(finalists_module, "noise", lambda _: None)
    monkeypatch.setattr(
        finalists_module, "compile_step", lambda *a, **k: device.compile_step(*a, **k)
    )
    monkeypatch.setattr(finalists_module, "measure", lambda *a: device.measure(*a))
    monkeypatch.setattr(finalists_module, "check_gradient", lambda *_: None)
    return device


def _is_uniform(plan: Plan) -> bool:
    return len(plan.policies) == 1


def _found(budget: Budget = BUDGET) -> list[Finalist]:
    return finalists(WORKLOAD, PROFILE, budget)


def test_the_best_plan_and_the_uniform_ones_are_timed_and_the_fastest_wins(device: Device) -> None:
    found = _found()
    assert not _is_uniform(found[0].plan)
    assert sum(_is_uniform(one.plan) for one in found) >= 3
    assert all(one.measured for one in found)
    assert [one.seconds for one in found] == sorted(one.seconds for one in found)


def test_the_choice_is_never_slower_than_the_best_uniform_policy(device: Device) -> None:
    """However wrong the predictions are of everything else."""
    device.seconds_of = lambda plan: 1.0 if _is_uniform(plan) else 9.0
    found = _found()
    assert _is_uniform(found[0].plan)
    assert found[0].seconds == min(one.seconds for one in found)


def test_what_the_compiler_says_is_what_counts(device: Device) -> None:
    """Where it says more than was predicted, another plan is proposed."""
    device.bytes_of = lambda plan: 1.0 if _is_uniform(plan) else 1.15
    found = _found()
    assert any(not _is_uniform(one.plan) for one in found)
    assert all(one.step.need.device <= BUDGET.usable for one in found)


def test_times_of_uniform_plans_lead_to_another_proposal(device: Device) -> None:
    """Where 'named' is slow beyond prediction, blocks are better kept or computed again."""
    before = _found()[0].plan
    slow = max(before.policies - {"none"})
    device.seconds_of = lambda plan: 3.0 if slow in plan.policies else 1.0
    assert slow not in _found()[0].plan.policies


def test_a_plan_with_a_wrong_gradient_is_left_out(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(_: Any, plan: Plan) -> None:
        if plan.offloads:
            raise InputError("its gradient differs")

    monkeypatch.setattr(finalists_module, "check_gradient", check)
    device.seconds_of = lambda plan: 0.1 if plan.offloads else 1.0
    found = _found(BUDGET._replace(offload=True))
    assert found
    assert not any(one.plan.offloads for one in found)


def test_a_plan_that_runs_out_of_memory_is_left_out(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(step: Any, *_: Any) -> Measured:
        if step.update.plan.policies == {"named"}:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: no memory")
        return device.measure(step)

    monkeypatch.setattr(finalists_module, "measure", measure)
    assert uniform("named", PROFILE.depths) not in {one.plan for one in _found()}


def test_long_steps_are_not_timed(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finalists_module, "_LONGEST_STEP", 0.0)
    (only,) = _found()
    assert not only.measured
    assert only.seconds == only.predicted.seconds


def test_steps_that_take_long_to_compile_are_not_timed_at_a_start(device: Device) -> None:
    long = dataclasses.replace(PROFILE, compiling=60.0)
    (only,) = finalists(WORKLOAD, long, BUDGET)
    assert not only.measured
    assert only.plan == search.best(PROFILE, RATES, BUDGET)[0].plan
    assert all(one.measured for one in race(WORKLOAD, long, BUDGET))


def test_a_race_that_takes_too_long_begins_with_no_further_plan(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan that is predicted to be the fastest is there in any case."""
    monkeypatch.setattr(finalists_module, "_PATIENCE", -1.0)
    (only,) = _found()
    assert only.plan == search.best(PROFILE, RATES, BUDGET)[0].plan
    assert only.measured
