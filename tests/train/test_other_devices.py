"""Interrupted, and gone on with on another number of devices: the same run, but for rounding."""

import dataclasses
import json
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.config import Config
from jaxfake.experiment import open_data
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import Preempted
from jaxfake.train import loop, stage
from jaxfake.train.stage import StagePlan
from tests.tiny import tiny_config
from tests.train.line import Line

STEPS, TURN, DEVICES = 8, 2, (8, 2, 8)


class Interruption:
    """Stands in for `preemption`: asks to stop when it is looked at for the n-th time."""

    def __init__(self, after: int) -> None:
        self._left = after

    @property
    def requested(self) -> bool:
        self._left -= 1
        return self._left < 0

    def protecting(self) -> "Interruption":
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def plan(tiny_root: Path) -> StagePlan:
    run = _config(tiny_root)
    splits = open_data.training_splits(run)
    return StagePlan("recover", Line(), run.recover, (schema.REAL,), splits.train, splits.val)


def _config(root: Path) -> Config:
    """16 faces a step, of which a device takes two at a time."""
    run = tiny_config(root, log_every=1)
    sizes = {"steps": STEPS, "batch_size": 16, "device_batch": 2}
    recover = dataclasses.replace(run.recover, **sizes, learning_rate=0.05)
    return dataclasses.replace(run, recover=recover)


def _losses(workdir: Path) -> list[float]:
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if "loss" in row]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["loss"] for row in rows]


def test_8_2_8_devices_train_as_8_do(
    plan: StagePlan, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, there = _config(tiny_root), jax.devices()
    loop.run_stage(plan, run, RunFolder(tmp_path / "steady").stage("recover"), time.monotonic())
    seen = []
    for turn, devices in enumerate(DEVICES, start=1):
        monkeypatch.setattr(jax, "devices", lambda n=devices: there[:n])
        batches = stage.prepare(plan, run).batches
        seen.append([batches[n][schema.ROW].tolist() for n in range(STEPS)])
        monkeypatch.setattr(loop, "preemption", Interruption(TURN))
        if turn < len(DEVICES):
            with pytest.raises(Preempted, match=f"stopped at step {turn * TURN} of recover"):
                loop.run_stage(
                    plan, run, RunFolder(tmp_path / "moved").stage("recover"), time.monotonic()
                )
    monkeypatch.undo()
    loop.run_stage(plan, run, RunFolder(tmp_path / "moved").stage("recover"), time.monotonic())
    assert seen == seen[:1] * len(DEVICES)
    calm, moved = _losses(tmp_path / "steady"), _losses(tmp_path / "moved")
    assert len(calm) == len(moved) == STEPS
    np.testing.assert_allclose(moved, calm, rtol=1e-5)
    assert calm[-1] < calm[0]
