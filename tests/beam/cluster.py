"""A cluster of Dask on this machine, for tests: its own commands start it, each worker in a process."""

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

from jaxfake.beam.runner import DASK, Runner
from tests.processes import Processes, until
from tests.project import ROOT

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not in this environment: make test-beam",
)
needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None
    or importlib.util.find_spec("distributed") is None,
    reason="Apache Beam or Dask is not in this environment: make test-beam",
)

WORKERS = 2


class Cluster:
    """A scheduler and two workers, each of which does one task at a time."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._file = folder / "cluster.json"
        local = ["--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", self._file]
        once = ["--nthreads", "1", "--local-directory", folder]
        with (folder / "said").open("w") as said:
            # In the folder of the project, so that workers can import what tests have.
            place = {"cwd": ROOT, "stdout": said, "stderr": said}
            processes.start([*_dask("scheduler"), *local, "--port", "0"], **place)
            until(self._file.exists)
            command = [*_dask("worker"), *local, *once]
            self._nannies = [processes.start(command, **place) for _ in range(WORKERS)]
        until(lambda: len(self.workers()) == WORKERS)

    @property
    def runner(self) -> Runner:
        """The runner that works on it."""
        return Runner(DASK, (f"dask_scheduler_file={self._file}",))

    def workers(self) -> set[int]:
        """The process ids of its workers."""
        return {worker for nanny in self._nannies for worker in _spawned_by(nanny.pid)}

    def kill_one_at_work(self) -> int:
        """Kills a worker that has just started a process for a file; its nanny will start another.

        Returns:
            Its process id.
        """
        busy: set[int] = set()

        def some_are_busy() -> bool:
            busy.update(worker for worker in self.workers() if _spawned_by(worker))
            return bool(busy)

        until(some_are_busy)
        killed = busy.pop()
        os.kill(killed, signal.SIGKILL)
        return killed


def flags_of(runner: Runner) -> list[str]:
    """The flags of a command that name a runner."""
    return [f"--beam_runner={runner.name}", *(f"--beam_option={one}" for one in runner.options)]


def _dask(command: str) -> list[str]:
    return [sys.executable, "-m", "dask", command]


def _spawned_by(pid: int) -> list[int]:
    """Processes of Python that a process has started to do work for it."""
    return [child for child in _children(pid) if b"spawn_main" in _command(child)]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, tasks.read_text().split())
        except OSError:  # it has ended
            continue
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
