"""Commands side by side: how many at once, their codes and logs, and a stop that reaches all of them."""

import contextlib
import sys
import time
from pathlib import Path

import pytest

from jaxfake.runtime.errors import PREEMPTED
from tools import side_by_side
from tools.side_by_side import Job, run_side_by_side

_MEETS = """
import pathlib, sys, time
me, other = map(pathlib.Path, sys.argv[1:])
me.touch()
while not other.exists():
    time.sleep(0.01)
"""
_ALONE = """
import pathlib, sys, time
path = pathlib.Path(sys.argv[1])
path.mkdir()  # fails if another one is at work
time.sleep(0.05)
path.rmdir()
"""
_WAITS = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


class _Stop:
    """A request to stop that does not end the process of the tests."""

    requested = False
    protecting = contextlib.nullcontext


def _job(tmp_path: Path, number: int, code: str, *arguments: Path) -> Job:
    return Job((sys.executable, "-c", code, *map(str, arguments)), tmp_path / f"{number}.log")


def test_commands_run_at_the_same_time(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    jobs = [_job(tmp_path, 0, _MEETS, a, b), _job(tmp_path, 1, _MEETS, b, a)]
    assert run_side_by_side(jobs, 2) == [0, 0]


def test_no_more_than_asked_for_run_at_the_same_time(tmp_path: Path) -> None:
    jobs = [_job(tmp_path, number, _ALONE, tmp_path / "busy") for number in range(3)]
    assert run_side_by_side(jobs, 1) == [0, 0, 0]


def test_codes_are_in_the_order_of_the_commands_and_output_is_in_the_logs(tmp_path: Path) -> None:
    jobs = [
        _job(tmp_path, number, f"print('number {number}'); raise SystemExit({number})")
        for number in (3, 0, 2)
    ]
    assert run_side_by_side(jobs, 3) == [3, 0, 2]
    assert "number 3" in (tmp_path / "3.log").read_text()


def test_a_stop_reaches_those_that_run_and_no_other_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, stop, sleep = tmp_path / "began", _Stop(), time.sleep

    def stop_when_it_has_begun(seconds: float) -> None:
        sleep(seconds)
        stop.requested = began.exists()

    monkeypatch.setattr(side_by_side, "preemption", stop)
    monkeypatch.setattr(time, "sleep", stop_when_it_has_begun)
    jobs = [_job(tmp_path, 0, _WAITS, began), _job(tmp_path, 1, "")]
    assert run_side_by_side(jobs, 1) == [75, PREEMPTED]
    assert not jobs[1].log.exists()
