"""Ends what a process has started, and whatever that has started, when the process itself has ended.

    python guardian.py MARK < PIPE

A test can be killed together with pytest, by a time limit or for memory, before it can end anything. So
each pytest has a guardian beside it. It waits until its standard input is closed, as the system does when
pytest ends in whatever way, and then kills every process with the mark in its environment. Children inherit
that mark, also in sessions of their own.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path

MARK = "JAXFAKE_STARTED_BY_TEST"
"""The variable of the environment that holds the mark."""


def watch(mark: str) -> None:
    """Marks what this process starts from now on, and starts a guardian for it."""
    read_end, write_end = (
        os.pipe()
    )  # the write end is inherited by nobody, and closed with this process
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-IS", __file__, mark],
        {name: value for name, value in os.environ.items() if name != MARK},
        file_actions=[(os.POSIX_SPAWN_DUP2, read_end, 0)],
        setsid=True,  # a signal to the group of this process is not for the guardian
    )
    os.close(read_end)
    os.environ[MARK] = mark
    assert not os.get_inheritable(write_end)


def marked(mark: str) -> set[int]:
    """The processes with that mark, or one that begins with it and goes on with a dot."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is of another user
            for entry in (path / "environ").read_bytes().split(b"\0"):
                name, _, value = entry.decode(errors="replace").partition("=")
                if name == MARK and (value == mark or value.startswith(f"{mark}.")):
                    found.add(int(path.name))
    return found


def kill(pids: set[int]) -> None:
    """Kills processes, some of which may have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def end_all(mark: str) -> None:
    """Kills the marked processes, and those that they start meanwhile, until there are none."""
    while found := marked(mark) - {os.getpid()}:
        kill(found)


if __name__ == "__main__":
    sys.stdin.read()
    end_all(sys.argv[1])
