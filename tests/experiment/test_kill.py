"""Stopped, killed and damaged, the same command again: it ends like an undisturbed run, bit for bit.

`python -m tools.chaos` does the same, and more, at random instants, for as long as one likes.
"""

import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jaxfake.runtime.errors import DONE, PREEMPTED, USAGE
from tests.held import held
from tests.processes import FOREVER, PATIENCE, until
from tests.project import ROOT
from tests.shared import ONE_DEVICE
from tests.tiny import six_steps
from tools.chaos import disks, faults, file_damage
from tools.chaos import job as jobs
from tools.chaos.compare import same_end
from tools.chaos.injection import Target
from tools.chaos.job import Ended, Job, command, newest, steps
from tools.chaos.schedule import Event

STEP = "jaxfake.train.monitor:Monitor.after"
VALIDATION = "jaxfake.train.monitor:Monitor.write_selection_score"
EVALUATION = "jaxfake.reporting.html:write_report"


@pytest.fixture(scope="module")
def reference(six_step_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that holds an undisturbed run, `reference`; jobs run in the project's folder, alone."""
    out = tmp_path_factory.mktemp("kill")
    with pytest.MonkeyPatch.context() as change:
        change.chdir(ROOT)
        change.setenv("XLA_FLAGS", ONE_DEVICE)
        shutil.copytree(six_step_run, out / "reference")
        yield out


def test_stopped_killed_and_damaged_in_every_phase_it_ends_like_the_undisturbed_run(
    reference: Path, tiny_root: Path
) -> None:
    workdir, store = reference / "faulted", f"file://{reference}/store"
    flags = [*six_steps(tiny_root), f"--store={store}", f"--grace={FOREVER}"]

    ended = _stop(workdir, flags, (STEP, 3), "USR1", meanwhile=lambda: _refused(workdir, flags))
    assert ended.code == PREEMPTED, ended.words
    assert "with the state saved: run the same command again" in ended.words
    assert steps(workdir)["recover"][-1] == 3

    shutil.rmtree(workdir)  # the machine is gone
    ended = _stop(workdir, flags, (VALIDATION, 2), "KILL")
    assert ended.code == -signal.SIGKILL
    assert f"fetched from {store}: recover " in ended.output
    assert "recover: restored step 3" in ended.output
    assert len(steps(workdir)["detect"]) > 1
    assert not (workdir / "DONE").exists()

    damaged = newest(workdir)
    assert damaged is not None
    largest = max(damaged.glob("state/**/d/*"), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    file_damage.WAYS["one bit flipped"](largest, content, len(content) // 2)
    ended = _stop(workdir, flags, (EVALUATION, 1), "HUP")
    assert ended.code == PREEMPTED, ended.words
    assert f"checkpoint {damaged} is damaged" in ended.output

    last = newest(workdir)
    assert last is not None
    file_damage.remove_item(last, Event(0, "remove", 0, 0.99, 1))
    with Job(workdir, flags, read=True) as job:
        job.stop_reading()  # nor does a closed terminal end it
        assert job.ended(PATIENCE).code == DONE
    assert same_end(reference / "reference", workdir)
    assert not list(workdir.glob(".lease*"))
    assert {"DONE", "report.html", "config.json"} <= {
        path.name for path in (reference / "store").rglob("*")
    }


def test_a_full_disk_is_one_line_and_nothing_older_is_lost(
    reference: Path, tiny_root: Path
) -> None:
    if disks.why_not():
        pytest.skip(disks.why_not())
    workdir, flags = reference / "full", six_steps(tiny_root)
    shutil.copytree(reference / "reference", workdir)
    (workdir / "DONE").unlink()
    shutil.rmtree(workdir / "checkpoints" / "detect" / "6")
    older = newest(workdir)
    said = faults.full(Event(0, "full", 1, 0.05, 1), _target(workdir, flags))
    assert said is not None
    assert (said.code, *said.wrong) == (USAGE,)
    assert newest(workdir) == older


def _refused(workdir: Path, flags: list[str]) -> None:
    """A second process is, with one line."""
    with Job(workdir, flags) as second:
        ended = second.ended(PATIENCE)
    assert ended.code == USAGE, ended.words
    assert len(ended.complaints) == 1
    assert f"a run is at work in {workdir} (host " in ended.words


def _stop(
    workdir: Path,
    flags: list[str],
    instant: tuple[str, int],
    how: str,
    meanwhile: Callable[[], None] = lambda: None,
) -> Ended:
    """Runs the job until it is at an instant, where it stands still, and sends it the signal."""
    file = workdir.with_suffix(".held")
    file.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as change:
        change.setattr(jobs, "command", lambda *given: held(*instant, file, command(*given)))
        job = Job(workdir, flags)
    with job:
        until(file.exists, job.process)
        meanwhile()
        job.process.send_signal(signal.Signals[f"SIG{how}"])
        return job.ended(PATIENCE)


def _target(workdir: Path, flags: list[str]) -> Target:
    """A run with faults a second after its start, long before its end."""
    return Target(workdir, flags, 1.0, Counter(), None)
