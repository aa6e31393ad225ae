"""Real steps that follow a plan: the same numbers, on the host or not; and what is refused."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.config import Config
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.models.remat import Segment
from jaxfake.runtime.errors import InputError
from jaxfake.train import loop
from jaxfake.train.memory import choose, gradient_check
from jaxfake.train.memory.gradient_check import check_gradient, moments_of, relative
from jaxfake.train.memory.placement import why_no_offload
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.memory.workload import Workload, noise
from jaxfake.train.stage import StagePlan
from jaxfake.train.state import TrainState
from jaxfake.train.step import jit_step
from tests.tiny import tiny_config
from tests.train.memory.workloads import WORKLOADS
from tests.train.memory.workloads import workload as workload_named

MIXED = Plan(
    overall=(Segment("dots", 2),),
    encoder=(Segment("full", 1), Segment("none", 1)),
    decoder=(Segment("named", 2),),
    localiser="full",
)
HOSTED = Plan(
    overall=(Segment("named", 2),),
    encoder=(Segment("offload", 2),),
    decoder=(Segment("full", 2),),
    optimizer="host",
    params="host",
)


def _after(workload: Workload, plan: Plan | None, steps: int = 2) -> TrainState:
    batch = noise(workload)
    update = workload.parts.under(plan)
    state = update.fresh()
    for _ in range(steps):
        state = update.step(state, batch)
    return jax.block_until_ready(state)  # type: ignore[no-any-return]


def _assert_same(one: TrainState, other: TrainState) -> None:
    """Up to rounding of recomputed activations: 1e-4 of a gradient's norm, after two updates.

    The first moment is compared, since AdamW makes steps of the rounding of gradients that are zero.
    """
    assert relative(moments_of(one), moments_of(other)) < 1e-4
    for name, average in one.window.items():
        np.testing.assert_allclose(average.total, other.window[name].total, rtol=1e-5)
    if one.ema is not None:
        for got, want in zip(jax.tree.leaves(one.ema), jax.tree.leaves(other.ema), strict=True):
            np.testing.assert_allclose(jax.device_get(got), jax.device_get(want), atol=1e-4)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_planned_step_gives_the_same_numbers(name: str) -> None:
    """Segments with policies of their own, and the moments on the host."""
    workload = workload_named(name)
    plan = dataclasses.replace(MIXED, optimizer="host")
    _assert_same(_after(workload, None), _after(workload, plan))


def test_everything_on_the_host_in_micro_batches_gives_the_same_numbers() -> None:
    workload = workload_named("recover")
    plan = dataclasses.replace(HOSTED, micro_batches=2)
    _assert_same(_after(workload, None), _after(workload, plan))


def test_off_adds_nothing_to_the_program() -> None:
    """It is the update alone: no named tensor, no checkpoint and no copy is in it."""
    workload = workload_named("recover")
    assert workload.config.memory == "off"
    update, parts = choose.update_for(workload), workload.parts
    text = str(update.step.trace(update.abstract, workload.batch).jaxpr)  # type: ignore[union-attr]
    alone = jit_step(parts.method, parts.optimiser, parts.rule, parts.abstract, parts.mesh)
    assert text == str(alone.trace(parts.abstract, workload.batch).jaxpr)
    for trace in (" name[", "checkpoint", "remat", "device_put", "memory"):
        assert trace not in text
    empty = workload.parts.under(Plan())
    assert text == str(empty.step.trace(empty.abstract, workload.batch).jaxpr)  # type: ignore[union-attr]


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _with(workload: Workload, memory: str) -> Workload:
    return dataclasses.replace(workload, config=dataclasses.replace(workload.config, memory=memory))


@pytest.mark.usefixtures("own_cache")
def test_auto_compiles_nothing_else_where_the_plain_step_fits() -> None:
    workload = _with(workload_named("recover"), "auto")
    assert choose.update_for(workload).plan is None
    assert list(workload.compiled) == [(None, False)]
    assert choose.planned_iteration(workload) is None


@pytest.mark.usefixtures("own_cache")
def test_auto_finds_a_plan_that_the_compiler_agrees_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(np.arange(1.0, 99.0))  # the first plan that runs is the fastest
    monkeypatch.setattr(choose, "measure", lambda *_: (next(seconds), None, None))
    workload = workload_named("recover")
    plain = choose.compile_step(workload, None, quick=False).need.device
    asked = _with(workload, f"auto:{int(0.9 * plain)}")
    update = choose.update_for(asked)
    plan = update.plan
    assert plan is not None
    uniforms = [
        plan for plan, quick in asked.compiled if quick and plan and len(plan.policies) == 1
    ]
    assert plan in uniforms
    assert choose.compile_step(asked, plan, quick=False).need.device <= 0.9 * plain
    planned = choose.planned_iteration(asked)  # known now
    assert planned is not None
    assert planned[0] == plan
    assert sum(planned[1].forward) > 0


@pytest.mark.usefixtures("own_cache")
def test_offload_is_refused_with_the_reason_on_a_cpu() -> None:
    assert why_no_offload(jax.devices()[0]) == "a CPU has no memory but the host's"
    for text in ("encoder=full optimizer=host", "encoder=offload", "params=host"):
        with pytest.raises(InputError, match="offloads, and a CPU has no memory but the host's"):
            choose.update_for(_with(workload_named("recover"), text))


@pytest.mark.usefixtures("own_cache")
def test_a_wrong_gradient_is_refused_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    workload, asked = workload_named("recover"), []

    def wrong(*_: Any) -> float:
        asked.append(1)
        return 0.5

    monkeypatch.setattr(gradient_check, "difference", wrong)
    for _ in range(2):
        with pytest.raises(InputError, match=r"differs from the plain one by 5\.0e-01"):
            check_gradient(workload, HOSTED)
    assert len(asked) == 1
    check_gradient(workload, uniform("full", {"encoder": 2}))  # offloads nothing: not asked


def test_what_counts_as_a_wrong_gradient() -> None:
    right = [np.ones(4), np.full(3, 2.0)]
    assert relative(right, right) == 0.0
    assert relative(right, [np.ones(4), np.zeros(3)]) == pytest.approx(1.0)
    assert relative(right, [np.ones(4), np.full(3, np.nan)]) == float("inf")


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("recover", "micro_batches=3", "micro_batches=3 must divide the 2 faces"),
        ("meta-learning", "micro_batches=2", "micro_batches must be 1 with method.meta.held_out"),
        ("recover", "auto:1KiB", "the smallest budget that would is"),
        ("recover", "auto:much", "is not a size of memory"),
    ],
)
def test_what_cannot_be_followed_is_said(name: str, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        choose.update_for(_with(workload_named(name), text))


@pytest.fixture(scope="module")
def run(tiny_root: Path) -> Config:
    """Four steps of stage 1, saved after each."""
    run = tiny_config(
        tiny_root,
        model__encoder__width=16,
        model__decoder__width=16,
        log_every=1,
        checkpoints__at_risk_seconds=0,
    )
    return dataclasses.replace(run, recover=dataclasses.replace(run.recover, steps=4, batch_size=8))


def _train(run: Config, folder: Path) -> loop.Trained:
    splits = open_data.training_splits(run)
    plan = StagePlan(
        "recover", build_method.recovery(run), run.recover, (schema.REAL,), splits.train, splits.val
    )
    return loop.run_stage(plan, run, RunFolder(folder).stage("recover"), time.monotonic())


def _failing(monkeypatch: pytest.MonkeyPatch, at: int, error: Exception) -> None:
    """Makes update number `at` fail."""
    made, as_it_is = [], loop._update

    def update(*arguments: Any, **named: Any) -> Any:
        made.append(1)
        if len(made) == at:
            raise error
        return as_it_is(*arguments, **named)

    monkeypatch.setattr(loop, "_update", update)


def test_a_run_goes_on_under_another_plan_from_its_checkpoint(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "check_offload", lambda *_: None)  # a CPU has the memory kinds
    monkeypatch.setattr(choose, "check_gradient", lambda *_: None)
    whole = _train(run, tmp_path / "whole")
    with monkeypatch.context() as stopping:
        _failing(stopping, 3, RuntimeError("stopped"))
        with pytest.raises(RuntimeError, match="stopped"):
            _train(dataclasses.replace(run, memory="encoder=full"), tmp_path / "two")
    hosted = "encoder=offload decoder=named optimizer=host params=host"
    after = _train(dataclasses.replace(run, memory=hosted), tmp_path / "two")
    assert after.step == whole.step == 4
    for one, other in zip(
        jax.tree.leaves(after.params), jax.tree.leaves(whole.params), strict=True
    ):
        assert one.sharding.memory_kind == "device"
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_out_of_memory_saves_the_state_and_says_what_to_do(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "advice", lambda _: "--config.memory='encoder=full'")
    error = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")
    with monkeypatch.context() as full:
        _failing(full, 3, error)
        with pytest.raises(InputError, match=r"at step 2; the state is saved.*encoder=full'"):
            _train(run, tmp_path)
    assert (tmp_path / "checkpoints" / "recover" / "2").is_dir()
    assert _train(dataclasses.replace(run, memory="encoder=full"), tmp_path).step == 4


def test_another_error_of_the_device_is_not_taken_for_it(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, 1, jax.errors.JaxRuntimeError("INTERNAL: something else"))
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        _train(run, tmp_path)


@pytest.mark.usefixtures("own_cache")
def test_the_advice_after_running_out_of_memory_is_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = workload_named("recover")
    plain = choose.compile_step(workload, None, quick=False).need.device
    budget = choose.device_budget(f"auto:{plain}")
    monkeypatch.setattr(choose, "device_budget", lambda: budget)
    assert choose.advice(workload).startswith("--config.memory='micro_batches=")
    monkeypatch.setattr(choose, "device_budget", lambda: budget._replace(device=1000.0))
    assert choose.advice(workload).startswith("a smaller batch_size: no memory plan fits")
