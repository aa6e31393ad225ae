"""Stopped and killed, the same command again: it ends like an untouched run, bit for bit.

`tools/kill_resume.py` does the same at random instants, for as long as one likes.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jaxfake.errors import PREEMPTED
from tests.tiny import tiny_flags
from tools.kill_resume import command, run_to_end, same_end


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
        checkpoints__at_risk_seconds=0.5,
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


def test_stopped_and_killed_in_every_phase_it_ends_like_the_untouched_run(
    calm: Path, tiny_root: Path
) -> None:
    workdir, flags = calm / "storm", _flags(tiny_root)
    first, second = (workdir / "checkpoints" / stage for stage in ("recover", "detect"))
    rows = workdir / "metrics.jsonl"

    said = _strike(workdir, flags, lambda: rows.exists() and rows.stat().st_size, signal.SIGTERM)
    assert said.returncode == PREEMPTED, said.stderr
    assert "with the state saved: run the same command again" in said.stderr
    saved = max(_steps(first))
    assert 10 <= saved < 100

    phases: tuple[Callable[[], object], ...] = (
        lambda: max(_steps(first)) > saved,
        lambda: _steps(second),
    )
    for reached in phases:
        assert _strike(workdir, flags, reached, signal.SIGKILL).returncode == -signal.SIGKILL
    assert not (workdir / "DONE").exists()
    said = _strike(workdir, flags, lambda: (workdir / "eval").exists(), signal.SIGTERM)
    assert said.returncode == PREEMPTED, said.stderr
    run_to_end(workdir, flags)
    assert same_end(calm / "calm", workdir)


def _strike(
    workdir: Path, flags: list[str], reached: Callable[[], object], how: signal.Signals
) -> subprocess.CompletedProcess[str]:
    """Runs the job until it has reached something, and sends it the signal."""
    pipe = subprocess.PIPE
    job = subprocess.Popen(command(workdir, flags), stdout=pipe, stderr=pipe, text=True)
    while not reached():
        assert job.poll() is None, job.communicate()
        time.sleep(0.01)
    job.send_signal(how)
    said = job.communicate(timeout=60)
    return subprocess.CompletedProcess(job.args, job.returncode, *said)


def _steps(folder: Path) -> list[int]:
    """Of the finished checkpoints."""
    if not folder.exists():
        return []
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
