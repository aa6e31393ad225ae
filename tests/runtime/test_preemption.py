"""A request to stop while there is nothing to save, or something, or a save under way."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxfake.runtime.errors import PREEMPTED, USAGE
from tests.project import ROOT

NOTHING_TO_SAVE = """
print("up", flush=True)
time.sleep(60)
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
SAVE_UNDER_WAY = """
def wait_for_save():
    time.sleep(0.2)
    print("saved", flush=True)
    FAILS

with preemption.protecting(), preemption.protecting_save(wait_for_save):
    print("up", flush=True)
    time.sleep(60)
"""
NEVER_SAVES = """
with preemption.protecting():
    print("up", flush=True)
    time.sleep(60)
"""
CALLS_BEFORE_EXIT = """
def last_call():
    assert 0 < preemption.seconds_left <= 100
    print("leaving", flush=True)
    time.sleep(60 * ("slow" in sys.argv))
    return "; but the store is behind"
with preemption.before_exit(last_call):
    print("up", flush=True)
    time.sleep(60)
"""
HEAD = """import sys, time
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.preemption import preemption
"""


def _start(body: str, before: str = "") -> subprocess.Popen[str]:
    lines = "".join(f"    {line}\n" for line in (before + body).splitlines())
    pipe = subprocess.PIPE
    program = [sys.executable, "-c", f"{HEAD}def main():\n{lines}\ncli.run(main)"]
    job = subprocess.Popen(program, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert job.stdout is not None
    assert job.stdout.readline() == "up\n"
    return job


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_with_nothing_to_save_it_exits_at_once(how: signal.Signals) -> None:
    job = _start(NOTHING_TO_SAVE)
    job.send_signal(how)
    _, said = job.communicate(timeout=20)
    assert job.returncode == PREEMPTED
    assert "stopped; what was saved is whole" in said
    assert "Traceback" not in said


def test_protected_work_is_saved_before_the_exit() -> None:
    job = _start(SAVES)
    job.send_signal(signal.SIGTERM)
    done, said = job.communicate(timeout=20)
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
    fails: str, code: int, words: str
) -> None:
    job = _start(SAVE_UNDER_WAY.replace("FAILS", fails))
    job.send_signal(signal.SIGTERM)
    done, said = job.communicate(timeout=20)
    assert (job.returncode, done) == (code, "saved\n")
    assert words in said


def test_before_the_exit_a_function_is_called_and_its_text_is_added() -> None:
    job = _start(CALLS_BEFORE_EXIT)
    job.send_signal(signal.SIGTERM)
    done, said = job.communicate(timeout=20)
    assert (job.returncode, done) == (PREEMPTED, "leaving\n")
    assert "run the same command again to go on; but the store is behind" in said


def test_the_second_signal_does_not_wait_for_that_call() -> None:
    job = _start(CALLS_BEFORE_EXIT, "sys.argv.append('slow')\n")
    job.send_signal(signal.SIGTERM)
    assert job.stdout is not None
    assert job.stdout.readline() == "leaving\n"
    time.sleep(0.5)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=20)
    assert job.returncode == PREEMPTED


def test_the_same_signal_twice_in_a_row_is_one() -> None:
    job = _start(SAVES)
    job.send_signal(signal.SIGTERM)
    job.send_signal(signal.SIGTERM)
    time.sleep(0.005)
    job.send_signal(signal.SIGTERM)
    done, said = job.communicate(timeout=20)
    assert (job.returncode, done) == (PREEMPTED, "saved\n")
    assert "with everything saved" in said


def test_a_signal_during_the_exit_does_not_change_the_exit_code() -> None:
    job = _start(SAVES)
    job.send_signal(signal.SIGTERM)
    while job.poll() is None:
        job.send_signal(signal.SIGTERM)
    job.communicate(timeout=20)
    assert job.returncode == PREEMPTED


def test_the_second_signal_does_not_wait() -> None:
    job = _start(NEVER_SAVES)
    job.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        job.wait(0.5)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=20)
    assert job.returncode == PREEMPTED


def test_it_never_takes_longer_than_the_grace_period() -> None:
    job = _start(NEVER_SAVES, "preemption.set_grace(0.5)\n")
    asked = time.monotonic()
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=20)
    assert job.returncode == PREEMPTED
    assert time.monotonic() - asked >= 0.5
    assert "not saved within 0.5 s" in said


@pytest.mark.parametrize("by", ["file", "command"])
def test_a_notice_of_the_cloud_stops_the_process(by: str, tmp_path: Path) -> None:
    notice = tmp_path / "notice"
    given = (str(notice), None) if by == "file" else (None, f"test -e {notice}")
    job = _start(SAVES, f"preemption.poll{given}\n")
    notice.touch()
    done, _ = job.communicate(timeout=20)
    assert (job.returncode, done) == (PREEMPTED, "saved\n")


def test_without_a_notice_it_runs_to_its_end(tmp_path: Path) -> None:
    job = _start(ENDS, f"preemption.poll({str(tmp_path / 'none')!r}, 'false')\n")
    job.communicate(timeout=20)
    assert job.returncode == 0
