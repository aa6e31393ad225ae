"""A request to stop while there is nothing to save, or something, or a save under way."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jaxfake.runtime.errors import PREEMPTED, USAGE
from jaxfake.runtime.preemption import SIGNALS
from tests.processes import FOREVER, PATIENCE, Processes
from tests.project import ROOT

NOTHING_TO_SAVE = """
print("up", flush=True)
for_ever()
"""
ENDS = """
print("up", flush=True)
sys.stdin.read()
"""
SAVES = """
with preemption.protecting():
    print("up", flush=True)
    while not preemption.requested:
        time.sleep(0.01)
    print("saved", flush=True)
"""
SAVES_WHEN_TOLD = """
with preemption.protecting():
    print("up", flush=True)
    sys.stdin.readline()
    print("saved", flush=True)
"""
SAVE_UNDER_WAY = """
def wait_for_save():
    print("saved", flush=True)
    FAILS

with preemption.protecting(), preemption.protecting_save(wait_for_save):
    print("up", flush=True)
    for_ever()
"""
NEVER_SAVES = """
with preemption.protecting():
    print("up", flush=True)
    for_ever()
"""
CALLS_BEFORE_EXIT = """
def last_call():
    assert 0 < preemption.seconds_left <= GRACE
    print("leaving", flush=True)
    if "slow" in sys.argv:
        for_ever()
    return "; but the store is behind"
with preemption.before_exit(last_call):
    print("up", flush=True)
    for_ever()
"""
HEAD = f"""import sys, threading, time
from jaxfake.runtime import cli
from jaxfake.runtime import preemption as module
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.preemption import preemption
GRACE = {FOREVER}
def for_ever():
    threading.Event().wait()
preemption.set_grace(GRACE)
"""
TELLS = """
request = preemption.request
def told():
    request()
    print("heard", flush=True)
preemption.request = told
"""
"""Says of every signal that it has been heard, if the process lives on."""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(processes: Processes) -> Start:
    """Starts a verb that does what a body of Python says, and waits until it is at work."""

    def started(body: str, before: str = "", same_seconds: float = 0.3) -> subprocess.Popen[str]:
        lines = "".join(f"    {line}\n" for line in (before + body).splitlines())
        pipe = subprocess.PIPE
        program = (
            f"{HEAD}module._REPEAT_SECONDS = {same_seconds}\ndef main():\n{lines}\ncli.run(main)"
        )
        job = processes.start(
            [sys.executable, "-c", program], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
        )
        assert _line(job) == "up\n"
        return job

    return started


def _line(job: subprocess.Popen[str]) -> str:
    assert job.stdout is not None
    return job.stdout.readline()


@pytest.mark.parametrize("how", SIGNALS)
def test_with_nothing_to_save_it_exits_at_once(how: signal.Signals, start: Start) -> None:
    job = start(NOTHING_TO_SAVE)
    job.send_signal(how)
    _, said = job.communicate(timeout=PATIENCE)
    assert job.returncode == PREEMPTED
    assert "stopped; what was saved is whole" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("how", SIGNALS)
def test_protected_work_is_saved_before_the_exit(how: signal.Signals, start: Start) -> None:
    job = start(SAVES)
    job.send_signal(how)
    done, said = job.communicate(timeout=PATIENCE)
    assert (job.returncode, done) == (PREEMPTED, "saved\n")
    assert "with everything saved" in said


@pytest.mark.parametrize(
    ("fails", "code", "words"),
    [
        ("", PREEMPTED, "with everything saved"),
        ("raise InputError('disk full')", USAGE, "disk full"),
    ],
)
def test_with_a_save_under_way_only_that_save_is_waited_for(
    fails: str, code: int, words: str, start: Start
) -> None:
    job = start(SAVE_UNDER_WAY.replace("FAILS", fails))
    job.send_signal(signal.SIGTERM)
    done, said = job.communicate(timeout=PATIENCE)
    assert (job.returncode, done) == (code, "saved\n")
    assert words in said


def test_before_the_exit_a_function_is_called_and_its_text_is_added(start: Start) -> None:
    job = start(CALLS_BEFORE_EXIT)
    job.send_signal(signal.SIGTERM)
    done, said = job.communicate(timeout=PATIENCE)
    assert (job.returncode, done) == (PREEMPTED, "leaving\n")
    assert "run the same command again to go on; but the store is behind" in said


def test_the_second_signal_does_not_wait_for_that_call(start: Start) -> None:
    job = start(CALLS_BEFORE_EXIT, "sys.argv.append('slow')\n", same_seconds=0)
    job.send_signal(signal.SIGTERM)
    assert _line(job) == "leaving\n"
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=PATIENCE)
    assert job.returncode == PREEMPTED


def test_the_same_signal_twice_in_a_row_is_one(start: Start) -> None:
    job = start(SAVES_WHEN_TOLD, TELLS, same_seconds=FOREVER)
    for _ in range(3):
        job.send_signal(signal.SIGTERM)
        assert _line(job) == "heard\n"
    done, said = job.communicate("go on\n", timeout=PATIENCE)
    assert (job.returncode, done) == (PREEMPTED, "saved\n")
    assert "with everything saved" in said


def test_a_signal_during_the_exit_does_not_change_the_exit_code(start: Start) -> None:
    job = start(SAVES)
    job.send_signal(signal.SIGTERM)
    while job.poll() is None:
        job.send_signal(signal.SIGTERM)
    job.communicate(timeout=PATIENCE)
    assert job.returncode == PREEMPTED


def test_the_second_signal_does_not_wait(start: Start) -> None:
    job = start(NEVER_SAVES, TELLS, same_seconds=0)
    job.send_signal(signal.SIGTERM)
    assert _line(job) == "heard\n"
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=PATIENCE)
    assert job.returncode == PREEMPTED


def test_a_terminal_that_closes_may_signal_twice(start: Start) -> None:
    job = start(SAVES_WHEN_TOLD, TELLS, same_seconds=0)
    job.send_signal(signal.SIGHUP)
    assert _line(job) == "heard\n"
    job.send_signal(signal.SIGHUP)
    job.send_signal(signal.SIGUSR1)
    done, _ = job.communicate("go on\n", timeout=PATIENCE)
    assert (job.returncode, done) == (PREEMPTED, "saved\n")


def test_nohup_keeps_the_closing_of_a_terminal_away(processes: Processes) -> None:
    pipe = subprocess.PIPE
    program = (
        f"{HEAD}\ndef main():\n    print('up', flush=True)\n    sys.stdin.read()\ncli.run(main)"
    )
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    )
    job = processes.start(
        [sys.executable, "-c", ignoring, program], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert _line(job) == "up\n"
    job.send_signal(signal.SIGHUP)
    job.communicate("", timeout=PATIENCE)
    assert job.returncode == 0


def test_it_never_takes_longer_than_the_grace_period(start: Start) -> None:
    job = start(NEVER_SAVES, "preemption.set_grace(0.5)\n")
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=PATIENCE)
    assert job.returncode == PREEMPTED
    assert "not saved within 0.5 s" in said


@pytest.mark.parametrize("by", ["file", "command"])
def test_a_notice_of_the_cloud_stops_the_process(by: str, start: Start, tmp_path: Path) -> None:
    notice = tmp_path / "notice"
    given = (str(notice), None) if by == "file" else (None, f"test -e {notice}")
    job = start(SAVES, f"preemption.poll{given}\n")
    notice.touch()
    done, _ = job.communicate(timeout=PATIENCE)
    assert (job.returncode, done) == (PREEMPTED, "saved\n")


def test_without_a_notice_it_runs_to_its_end(start: Start, tmp_path: Path) -> None:
    job = start(ENDS, f"preemption.poll({str(tmp_path / 'none')!r}, 'false')\n")
    job.communicate(timeout=PATIENCE)
    assert job.returncode == 0
