"""Two processes, one run: the same losses as one process, and nothing is lost when one dies."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxfake.runtime.errors import DONE, PREEMPTED, USAGE
from tests.held import held
from tests.processes import FOREVER, PATIENCE, Processes, until
from tests.project import ROOT
from tests.shared import ONE_DEVICE
from tests.tiny import six_steps
from tools.chaos.job import command

Job = subprocess.Popen[str]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has one device, and programs compile fast."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XLA_FLAGS", ONE_DEVICE)


@contextmanager
def _processes(workdir: Path, flags: list[str], held_at: Path | None) -> Iterator[list[Job]]:
    """Both processes; none outlives its block. With a file, both stand still after their second step."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    group = [f"--coordinator={coordinator}", "--processes=2", f"--grace={FOREVER}"]
    started = Processes()
    try:
        yield [
            started.start(
                _command(
                    [*command(workdir, flags), *group, f"--process={number}"], held_at, number
                ),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for number in (0, 1)
        ]
    finally:
        started.end()


def _command(plain: list[str], held_at: Path | None, number: int) -> list[str]:
    if held_at is None:
        return plain
    file = held_at.with_suffix(f".{number}")
    return held("jaxfake.train.monitor:Monitor.after", 2, file, plain)


def _worker(job: Job) -> int:
    """The process that does the work for one that watches it."""
    return int(Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()[0])


def _rows(workdir: Path) -> list[dict[str, Any]]:
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _numbers(workdir: Path, name: str) -> np.ndarray:
    """A column of the metrics of stage 2."""
    rows = [row for row in _rows(workdir) if row["stage"] == "detect"]
    return np.array([row[name] for row in rows if name in row])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the worker by /proc")
def test_two_processes_train_as_one_and_nothing_is_lost_when_one_dies(
    tiny_root: Path, six_step_run: Path, tmp_path: Path, processes: Processes
) -> None:
    """Stage 2 alone: it starts where that of the run of one process started."""
    flags = [*six_steps(tiny_root), f"--config.start={six_step_run}"]

    with _processes(tmp_path / "two", flags, tmp_path / "held") as jobs:
        stand = [tmp_path / "held.0", tmp_path / "held.1"]
        for job, file in zip(jobs, stand, strict=True):
            until(file.exists, job)
        first, second = jobs
        again = processes.start(list(second.args), stderr=subprocess.PIPE)  # as srun may do
        _, said = again.communicate(timeout=PATIENCE)
        assert again.returncode == USAGE
        assert "a run is at work in" in said
        os.kill(_worker(second), signal.SIGKILL)
        assert second.wait(timeout=PATIENCE) == 128 + signal.SIGKILL
        assert second.stderr is not None
        assert "which did the work, was killed" in second.stderr.read()
        for file in stand:
            file.unlink()
        _, said = first.communicate(timeout=PATIENCE)
        assert first.returncode == PREEMPTED, said
        assert "another process of this run is gone" in said.splitlines()[-1]

    with _processes(tmp_path / "two", flags, None) as jobs:
        for job in jobs:
            out, said = job.communicate(timeout=PATIENCE)
            assert job.returncode == DONE, said
        assert "report:" not in out  # only the first prints
    runs = (six_step_run, tmp_path / "two")
    losses = [_numbers(run, "loss") for run in runs]
    assert len(losses[0]) == len(losses[1]) == 3
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    scores = [_numbers(run, "selection/val_video_auc") for run in runs]
    assert len(scores[0]) == 2
    np.testing.assert_array_equal(scores[1], scores[0])
    assert _rows(tmp_path / "two")[-1]["interruptions"] == 1
    assert (tmp_path / "two" / "report.html").is_file()


@pytest.mark.parametrize(
    "flags",
    [
        ["--processes=2"],
        ["--coordinator=h:1"],
        ["--coordinator=h:1", "--processes=2", "--process=2"],
    ],
)
def test_flags_of_several_processes_that_are_incomplete_are_refused(flags: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jaxfake.main", "--config=configs/mover.py", *flags],
        capture_output=True,
        text=True,
    )
    assert done.returncode == USAGE
    assert "each its own --process" in done.stderr
