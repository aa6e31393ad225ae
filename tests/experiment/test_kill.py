"""Stopped, killed and damaged, the same command again: it ends like an undisturbed run, bit for bit.

`python -m tools.chaos` does the same, and more, at random instants, for as long as one likes.
"""

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jaxfake.runtime.errors import PREEMPTED, USAGE
from tests.project import ROOT
from tests.tiny import tiny_flags
from tools.chaos import disks, faults, file_damage
from tools.chaos.compare import same_end
from tools.chaos.injection import Target
from tools.chaos.job import Ended, Job, newest, run_to_end, steps
from tools.chaos.schedule import Event


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
def reference(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that holds an undisturbed run, `reference`; jobs run in the project's folder, alone."""
    out = tmp_path_factory.mktemp("kill")
    with pytest.MonkeyPatch.context() as change:
        change.chdir(ROOT)
        change.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        run_to_end(out / "reference", _flags(tiny_root))
        yield out


def test_stopped_killed_and_damaged_in_every_phase_it_ends_like_the_undisturbed_run(
    reference: Path, tiny_root: Path
) -> None:
    workdir, flags = reference / "faulted", _flags(tiny_root)
    metrics = workdir / "metrics.jsonl"

    ended = _stop(workdir, flags, lambda: metrics.exists() and metrics.stat().st_size, "TERM")
    assert ended.code == PREEMPTED, ended.words
    assert "with the state saved: run the same command again" in ended.words
    saved = steps(workdir)["recover"][-1]
    assert 10 <= saved < 100

    ended = _stop(workdir, flags, lambda: len(steps(workdir).get("detect", [])) > 1, "KILL")
    assert ended.code == -signal.SIGKILL
    assert not (workdir / "DONE").exists()

    damaged = newest(workdir)
    assert damaged is not None
    largest = max(damaged.glob("state/**/d/*"), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    file_damage.WAYS["one bit flipped"](largest, content, len(content) // 2)
    ended = _stop(workdir, flags, lambda: (workdir / "eval").exists(), "TERM")
    assert ended.code == PREEMPTED, ended.words
    assert f"checkpoint {damaged} is damaged" in ended.said

    last = newest(workdir)
    assert last is not None
    file_damage.remove_item(last, Event(0, "remove", 0, 0.99, 1))
    said = faults.pause(Event(0, "pause", 1, 0, 0), _target(workdir, flags))
    assert said is not None
    assert said.wrong == ()
    assert same_end(reference / "reference", workdir)


def test_a_full_disk_is_one_line_and_nothing_older_is_lost(
    reference: Path, tiny_root: Path
) -> None:
    if disks.why_not():
        pytest.skip(disks.why_not())
    workdir, flags = reference / "full", _flags(tiny_root)
    shutil.copytree(reference / "reference", workdir)
    (workdir / "DONE").unlink()
    shutil.rmtree(workdir / "checkpoints" / "detect" / "60")
    older = newest(workdir)
    said = faults.full(Event(0, "full", 1, 0.05, 1), _target(workdir, flags))
    assert said is not None
    assert (said.code, *said.wrong) == (USAGE,)
    assert newest(workdir) == older


def _stop(workdir: Path, flags: list[str], reached: Callable[[], object], how: str) -> Ended:
    """Runs the job until it has reached something, and sends it the signal."""
    job = Job(workdir, flags)
    while not reached():
        assert job.process.poll() is None, job.ended().words
        time.sleep(0.01)
    job.process.send_signal(signal.Signals[f"SIG{how}"])
    return job.ended(60)


def _target(workdir: Path, flags: list[str]) -> Target:
    """A run with faults a second after its start, long before its end."""
    return Target(workdir, flags, 1.0, Counter(), None)
