"""Processes that tests start: waited for by what they do, never by the clock, and ended with the test."""

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import guardian

PATIENCE = 900.0
"""Seconds after which a wait is a hang. It is there to end a test, and no result depends on it."""

FOREVER = 10 * PATIENCE
"""Seconds that outlast any test, for limits of the code under test that must not end anything."""


def until(reached: Callable[[], object], job: subprocess.Popen[str] | None = None) -> None:
    """Returns once something is reached; fails at once if the job that should reach it has ended."""
    give_up = time.monotonic() + PATIENCE
    while not reached():
        if job is not None and job.poll() is not None and not reached():
            raise AssertionError(f"it ended with {job.returncode}: {job.communicate()}")
        assert time.monotonic() < give_up, "it hangs"
        time.sleep(0.01)


class Processes:
    """Starts processes, each in a session of its own, and ends whatever is left of them.

    What they start is found by its session, and in a session of its own by a mark in its environment.
    """

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []
        self._mark = f"{os.environ.get(guardian.MARK, 'test')}.{uuid.uuid4().hex}"

    def start(self, command: list[Any], **options: Any) -> subprocess.Popen[str]:
        """As `subprocess.Popen`, with text."""
        words = [str(word) for word in command]
        options["env"] = {**(options.get("env") or os.environ), guardian.MARK: self._mark}
        job = subprocess.Popen(words, text=True, start_new_session=True, **options)
        self._started.append(job)
        return job

    def end(self) -> None:
        """Kills all that are left, and their children."""
        sessions = {job.pid for job in self._started}
        while found := guardian.marked(self._mark) | _of_sessions(sessions):
            guardian.kill(found)
        for job in self._started:
            job.wait()
            for pipe in (job.stdin, job.stdout, job.stderr):
                if pipe is not None:
                    pipe.close()


def _of_sessions(sessions: set[int]) -> set[int]:
    """Living processes of these sessions, which groups of their own do not leave."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and os.getsid(int(path.name)) in sessions:
                found.add(int(path.name))
    return found


@pytest.fixture
def processes() -> Iterator[Processes]:
    """What a test starts its processes with."""
    started = Processes()
    yield started
    started.end()
