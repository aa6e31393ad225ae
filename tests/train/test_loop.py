"""The loop moves nothing between host and device that it does not name."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.config import Config
from jaxfake.data import pipeline
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import Preempted
from jaxfake.train import loop, monitor
from jaxfake.train.stage import StagePlan
from tests.tiny import tiny_config
from tests.train.line import Line


@pytest.fixture(scope="module")
def run(tiny_root: Path, one_device: None) -> Config:
    """Two steps of stage 1, with a row, pictures and a save at each."""
    run = tiny_config(
        tiny_root,
        model__encoder__width=16,
        model__decoder__width=16,
        log_every=1,
        checkpoints__at_risk_seconds=0,
    )
    recover = dataclasses.replace(run.recover, steps=2, batch_size=8)
    return dataclasses.replace(run, recover=recover)


@pytest.fixture(scope="module")
def plan(run: Config) -> StagePlan:
    """Of the smallest method, which draws no pictures."""
    splits = open_data.training_splits(run)
    return StagePlan("recover", Line(), run.recover, (schema.REAL,), splits.train, splits.val)


def _changed(after: Callable[[monitor.Monitor, Any, int], Any]) -> Any:
    """What a turn does, and something more."""
    as_it_is = monitor.Monitor.after

    def changed(watching: monitor.Monitor, state: Any, step: int) -> Any:
        return as_it_is(watching, after(watching, state, step), step)

    return changed


def test_a_number_that_slips_to_the_device_is_an_error(
    plan: StagePlan, run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip = _changed(lambda _, state, step: state.replace(step=state.step + np.int32(0 * step)))
    monkeypatch.setattr(monitor.Monitor, "after", slip)
    with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed host-to-device transfer"):
        loop.run_stage(plan, run, RunFolder(tmp_path).stage("recover"), time.monotonic())


def test_an_array_that_slips_to_the_host_is_an_error(
    plan: StagePlan, run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slip(watching: monitor.Monitor, state: Any, step: int) -> Any:
        split = jax.sharding.NamedSharding(jax.make_mesh((8,), ("all",)), jax.P("all"))
        np.asarray(jax.device_put(np.zeros(8, np.float32), split))
        return state

    monkeypatch.setattr(monitor.Monitor, "after", _changed(slip))
    with pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed device-to-host transfer"):
        loop.run_stage(plan, run, RunFolder(tmp_path).stage("recover"), time.monotonic())


def test_when_a_reading_process_is_killed_the_state_is_saved(
    plan: StagePlan, run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_batch(batches: Any, start: int, *_: Any) -> Iterator[schema.Batch]:
        yield batches[start]
        raise pipeline.WorkerKilled("a process that reads data was killed")

    monkeypatch.setattr(pipeline, "iterate", one_batch)
    with pytest.raises(Preempted, match=r"was killed .* stopped at step 1 of recover with the"):
        loop.run_stage(plan, run, RunFolder(tmp_path).stage("recover"), time.monotonic())
    assert (tmp_path / "checkpoints" / "recover" / "1").is_dir()


@pytest.mark.parametrize(("turn", "ahead"), [(6.0, 2), (0.25, 4)])
def test_the_host_is_a_second_or_two_updates_ahead_of_the_device(
    turn: float, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a stop would wait for all updates that are queued, and longer than a machine has."""
    waited: list[int] = []
    clock = itertools.count(0.0, turn)
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(jax, "block_until_ready", lambda made: waited.append(int(made)))
    keeping = loop._Ahead()
    for step in range(1, 21):
        state: Any = SimpleNamespace(step=jnp.int32(step))
        keeping.let_the_device_follow(state)
        state.step.delete()  # the next update takes its memory
        assert step - len(waited) <= ahead
    assert waited == list(range(1, 21 - ahead))


def test_as_it_is_nothing_slips(plan: StagePlan, run: Config, tmp_path: Path) -> None:
    drawing = dataclasses.replace(plan, method=build_method.recovery(run))
    stage = RunFolder(tmp_path).stage("recover")
    assert loop.run_stage(drawing, run, stage, time.monotonic()).step == 2
