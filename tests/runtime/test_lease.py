"""Who works in a folder: one process, whatever the disk can lock, and whoever was killed there before."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jaxfake.runtime import lease
from jaxfake.runtime.errors import USAGE, InputError
from jaxfake.runtime.lease import Timing, holding
from tests.processes import FOREVER, PATIENCE, Processes, until
from tests.project import ROOT

QUICK = Timing(beat=0.01, watch=0.05, settle=0.01)
PATIENT = Timing(beat=0.01, watch=FOREVER, settle=0.01)

HOLDS = """import sys
from pathlib import Path
from jaxfake.runtime import cli
from jaxfake.runtime.lease import Timing, holding
def main():
    with holding(Path(sys.argv[0]), "a run", Timing(0.01, 0.05, 0.01)):
        print("held", flush=True)
        sys.stdin.read()
sys.argv = sys.argv[1:]
cli.run(main)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / ".lease"


@pytest.fixture(params=["locks", "no locks", "locks of this machine alone"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the disk can; of the last kind are network disks whose locks other machines do not see."""

    if request.param == "no locks":
        monkeypatch.setattr(fcntl, "flock", _raise_no_locks)
    elif request.param != "locks":
        monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    return str(request.param)


def _of_another_machine(file: Path) -> None:
    """Lets the lease look as if a machine that shares the disk held it."""
    content = json.loads(file.read_text())
    content |= {"token": "0", "host": "elsewhere", "kernel": "another", "process": 17}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))


@pytest.fixture
def left_behind(file: Path) -> Path:
    """A lease that another machine left behind."""
    with holding(file, "a run", QUICK):
        content = file.read_bytes()
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    _of_another_machine(file)
    return file


def test_a_second_process_of_this_machine_is_refused_at_once(
    file: Path, processes: Processes
) -> None:
    job = _holder(file, processes)
    with (
        pytest.raises(InputError, match=rf"a run is at work in .*process {job.pid}, since \d"),
        holding(file, "a run", PATIENT),
    ):
        raise AssertionError
    job.communicate("", timeout=PATIENCE)
    assert job.returncode == 0
    with holding(file, "a run", PATIENT):
        pass
    assert not file.parent.exists()  # nothing is left


def test_a_process_that_was_killed_is_replaced_at_once(
    file: Path, disk: str, processes: Processes
) -> None:
    job = _holder(file, processes)
    job.kill()
    job.wait()
    assert file.exists()
    with holding(file, "a run", PATIENT):  # patient: it would watch for ever
        assert json.loads(file.read_text())["process"] == os.getpid()


def test_without_locks_a_process_that_lives_is_known_by_its_number(
    file: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(fcntl, "flock", _raise_no_locks)
    job = _holder(file, processes)
    with pytest.raises(InputError, match="at work"), holding(file, "a run", PATIENT):
        raise AssertionError
    assert "has no locks" in capsys.readouterr().out
    job.communicate("", timeout=PATIENCE)


def test_a_number_that_another_process_has_now_is_not_the_holder(
    file: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", _raise_no_locks)
    job = _holder(file, processes)
    held = json.loads(file.read_text())
    job.communicate("", timeout=PATIENCE)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(held | {"process": os.getpid()}))
    with holding(file, "a run", PATIENT):
        pass


def test_another_machine_that_still_touches_its_lease_is_left_alone(
    left_behind: Path, disk: str
) -> None:
    stop = threading.Event()

    def touches() -> None:
        while not stop.wait(0.01):
            os.utime(left_behind)

    thread = threading.Thread(target=touches)
    thread.start()
    before = left_behind.read_bytes()
    with (
        pytest.raises(InputError, match=r"a run is at work in .*host elsewhere, process 17"),
        holding(left_behind, "a run", PATIENT),
    ):
        raise AssertionError
    stop.set()
    thread.join()
    assert left_behind.read_bytes() == before


def test_what_another_machine_left_behind_is_taken_over_after_watching(
    left_behind: Path, disk: str, capsys: pytest.CaptureFixture
) -> None:
    with holding(left_behind, "a run", QUICK):
        assert json.loads(left_behind.read_text())["process"] == os.getpid()
    said = capsys.readouterr().out
    assert "host elsewhere, process 17" in said
    assert "watching for 0.05 s" in said
    assert "is taken over" in said


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"token": 1}', b"\xff" * 9000])
def test_a_lease_that_cannot_be_read_is_watched_too(file: Path, content: bytes, disk: str) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with holding(file, "a run", QUICK):
        assert json.loads(file.read_text())["process"] == os.getpid()


def test_whoever_stood_still_while_another_took_over_ends_at_once(
    file: Path, processes: Processes
) -> None:
    job = _holder(file, processes)
    _of_another_machine(file)
    assert job.wait(PATIENCE) == USAGE
    _, said = job.communicate()
    assert "host elsewhere, process 17" in said
    assert "took over while this one stood still" in said
    assert json.loads(file.read_text())["host"] == "elsewhere"  # it is not ours to delete


def test_a_holder_touches_its_lease(file: Path) -> None:
    with holding(file, "a run", QUICK):
        os.utime(file, (0, 0))
        until(lambda: file.stat().st_mtime > 0)


def test_a_stop_leaves_no_lease(file: Path, processes: Processes) -> None:
    job = _holder(file, processes)
    job.send_signal(signal.SIGUSR1)
    job.communicate(timeout=PATIENCE)
    assert not file.exists()


@pytest.mark.parametrize("locks", [True, False])
def test_of_many_that_start_together_one_works(
    file: Path, locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locks:
        monkeypatch.setattr(fcntl, "flock", _raise_no_locks)
    got, gate = list[str](), threading.Barrier(8)

    def start() -> None:
        gate.wait()
        taker = lease._Lease(file, "a run", QUICK)
        try:
            taker.take()
            got.append("held")
        except InputError:
            got.append("refused")
            taker.give_back()

    file.parent.mkdir()
    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["held"] + ["refused"] * 7


def _raise_no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def _holder(file: Path, processes: Processes) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    job = processes.start(
        [sys.executable, "-c", HOLDS, file], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert job.stdout is not None
    assert job.stdout.readline() == "held\n"
    return job
