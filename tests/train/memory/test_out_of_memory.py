"""A run that runs out of memory leaves its state, and goes on under another plan to the same end."""

import dataclasses
import os
import re
import subprocess
import sys
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
from jaxfake.models.method import Method
from jaxfake.runtime.errors import InputError
from jaxfake.train import loop
from jaxfake.train.memory import choose
from jaxfake.train.memory.out_of_memory import is_whole
from jaxfake.train.memory.plan import parse_plan
from jaxfake.train.metric_rows import rows_of_metrics
from jaxfake.train.stage import StagePlan
from tests.project import ROOT
from tests.tiny import tiny_config, tiny_flags
from tests.train.line import Line
from tests.train.memory import full_device

FOUR_STEPS = {
    "model__encoder__width": 16,
    "model__decoder__width": 16,
    "recover__steps": 4,
    "recover__batch_size": 16,
    "recover__ema": 0.5,
    "recover__warmup": 0.0,
    "log_every": 1,
    "checkpoints__at_risk_seconds": 0,
}
"""Of stage 1, with a moving average and a row of metrics after each."""

HOSTED = "micro_batches=2 encoder=offload decoder=named optimizer=host params=host"


@pytest.fixture(scope="module")
def run(tiny_root: Path, one_device: None) -> Config:
    return tiny_config(tiny_root, **FOUR_STEPS)


def _train(run: Config, folder: Path, method: Method | None = None) -> loop.Trained:
    splits = open_data.training_splits(run)
    method = method or build_method.recovery(run)
    plan = StagePlan("recover", method, run.recover, (schema.REAL,), splits.train, splits.val)
    return loop.run_stage(plan, run, RunFolder(folder).stage("recover"), time.monotonic())


def _failing(monkeypatch: pytest.MonkeyPatch, at: int, error: Exception) -> None:
    """Makes update number `at` fail."""
    monkeypatch.setattr(loop, "_update", full_device.failing(loop._update, at, error))


def _rows(folder: Path) -> dict[int, dict[str, Any]]:
    rows = rows_of_metrics(RunFolder(folder).stage("recover").metrics)
    return {row["step"]: row for row in rows if "loss" in row}


def test_out_of_memory_saves_the_state_and_names_a_plan(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "advice", lambda *_: f"--config.memory='{HOSTED}'")
    with monkeypatch.context() as short:
        _failing(short, 3, jax.errors.JaxRuntimeError(full_device.FULL))
        with pytest.raises(InputError, match=r"at step 2; the state is saved.*optimizer=host"):
            _train(run, tmp_path, Line())
    assert (tmp_path / "checkpoints" / "recover" / "2").is_dir()
    assert _train(run, tmp_path, Line()).step == 4


@pytest.mark.slow
def test_another_plan_goes_on_from_the_saved_state_to_the_same_numbers(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two updates as they are, then two with everything on the host and in micro-batches."""
    monkeypatch.setattr(choose, "advice", lambda *_: f"--config.memory='{HOSTED}'")
    monkeypatch.setattr(choose, "check_offload", lambda *_: None)  # a CPU has the memory kinds
    monkeypatch.setattr(choose, "check_gradient", lambda *_: None)
    whole = _train(run, tmp_path / "whole")
    with monkeypatch.context() as short:
        _failing(short, 3, jax.errors.JaxRuntimeError(full_device.FULL))
        with pytest.raises(InputError, match="at step 2; the state is saved"):
            _train(run, tmp_path / "two")
    assert (tmp_path / "two" / "checkpoints" / "recover" / "2").is_dir()
    after = _train(dataclasses.replace(run, memory=HOSTED), tmp_path / "two")
    assert after.step == whole.step == 4
    one, other = _rows(tmp_path / "whole"), _rows(tmp_path / "two")
    for step in (1, 2, 3, 4):
        for name in ("loss", "gradient_norm"):
            assert other[step][name] == pytest.approx(one[step][name], rel=1e-4)
    for got, want in zip(jax.tree.leaves(after.params), jax.tree.leaves(whole.params), strict=True):
        assert got.sharding.memory_kind == "device"
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_the_verb_says_what_fits_in_one_line_and_exits_with_2(
    tiny_root: Path, tmp_path: Path
) -> None:
    """The state is saved and uploaded; what is advised is a flag that the same command takes."""
    workdir, store = tmp_path / "run", tmp_path / "store"
    command = [sys.executable, "-m", "tests.train.memory.full_device", "1", "jaxfake.main"]
    command += tiny_flags(tiny_root, **FOUR_STEPS)
    command += [f"--workdir={workdir}", f"--store=file://{store}"]
    environment = {
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    said = re.fullmatch(
        r"jaxfake: recover: the device ran out of memory at step 0; the state is saved\. Run the same "
        r"command again with --config\.memory='(.*)', which takes .* GiB",
        done.stderr.strip().splitlines()[-1],
    )
    assert said is not None, done.stderr
    advised = parse_plan(said[1], {"encoder": 1, "decoder": 1})
    assert advised.micro_batches > 1 or advised.policies - {"none"}
    for folder in (workdir, store):
        assert (folder / "checkpoints" / "recover" / "0").is_dir()


def test_another_error_of_the_device_is_not_taken_for_it(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, 1, jax.errors.JaxRuntimeError("INTERNAL: something else"))
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        _train(run, tmp_path, Line())


def test_a_state_that_was_given_away_is_not_saved() -> None:
    state: Any = {"params": jax.numpy.ones(3)}
    assert is_whole(state)
    state["params"].delete()
    assert not is_whole(state)
