"""SIGKILL at random instants, the same command again: it ends like an untouched run, bit for bit."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jaxfake.errors import PREEMPTED
from tests.tiny import tiny_flags
from tools.kill_resume import command, run_to_end, same_end, weather


def _flags(root: Path) -> list[str]:
    """A run of some seconds on the tiny dataset that saves all the time."""
    return tiny_flags(
        root,
        model__encoder__width=64,
        recover__steps=100,
        recover__batch_size=16,
        detect__steps=60,
        detect__select_every=20,
        log_every=10,
        checkpoints__every_seconds=0.5,
    )


@pytest.fixture(scope="module")
def calm(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an untouched run, named `calm`; jobs run in the project's folder, alone."""
    out = tmp_path_factory.mktemp("kill")
    with pytest.MonkeyPatch.context() as change:
        change.chdir(Path(__file__).parents[1])
        change.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        run_to_end(out / "calm", _flags(tiny_root))
        yield out


def test_killed_runs_end_like_the_untouched_one(calm: Path, tiny_root: Path) -> None:
    storms = weather(calm, _flags(tiny_root), length=14.0, kills=3, seed=3)
    assert sum(len(storm.kills) for storm in storms) == 3
    assert all(storm.exact for storm in storms)
    assert any(any(kill.saved_steps.values()) for storm in storms for kill in storm.kills)


def test_asked_to_stop_it_saves_says_so_and_goes_on_exactly(calm: Path, tiny_root: Path) -> None:
    workdir = calm / "asked"
    flags = [*_flags(tiny_root), "--config.checkpoints.every_seconds=1000"]
    job = subprocess.Popen(
        command(workdir, flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    rows = workdir / "metrics.jsonl"
    while not rows.exists() or not rows.stat().st_size:
        assert job.poll() is None, job.communicate()
        time.sleep(0.02)
    os.kill(job.pid, signal.SIGTERM)
    _, said = job.communicate(timeout=60)
    assert job.returncode == PREEMPTED, said
    assert "with the state saved: run the same command again" in said
    saved = [int(path.name) for path in (workdir / "checkpoints" / "recover").iterdir()]
    assert 10 <= max(saved) < 100
    run_to_end(workdir, flags)
    assert same_end(calm / "calm", workdir)
