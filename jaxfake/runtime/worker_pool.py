"""Worker processes that may die or hang: the task that caused it fails, the other tasks go on.

The executors of the standard library fail as a whole when one worker is killed, and cannot end a task
that takes too long. Decoders of damaged files do both.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import resource
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import SIGNALS
from jaxfake.runtime.processes.orphan_processes import exit_after_parent

_SPAWN = multiprocessing.get_context("spawn")

_DIED = "the process that worked on it died twice"

_START_LOCK = threading.Lock()
"""Workers inherit settings of the whole process, in which several threads may start workers."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most that one task may use."""

    seconds: float = 900.0
    memory: int = 4 << 30  # bytes of a worker's data segment; code of libraries does not count


DEFAULT_LIMITS = Limits()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one task ended."""

    number: int  # in the list of tasks
    failure: str  # why it failed; '' if its function returned


def run[Task](
    tasks: list[Task],
    prepare: Callable[[], Callable[[Task], None]],
    workers: int,
    limits: Limits,
) -> Iterator[Outcome]:
    """Calls a function for every task in worker processes; yields outcomes as tasks end, in any order.

    A task that takes too long fails. A task whose worker dies is tried once more in a new worker, because
    the system kills at random when memory is short; then it fails.

    Args:
        tasks: picklable.
        prepare: picklable; called once in every worker, returns the function.
        workers: how many processes.
        limits: of every task.

    Raises:
        RuntimeError: the function raised; the text names the task and holds the traceback.
    """
    waiting = deque(range(len(tasks)))
    died_once: set[int] = set()
    pool = [_Worker(prepare, limits) for _ in range(min(workers, len(tasks)))]
    try:
        for worker in pool:
            worker.assign(waiting[0], tasks[waiting.popleft()])
        while busy := [worker for worker in pool if worker.number is not None]:
            for worker in _finished(busy):
                outcome = worker.outcome()
                if outcome.failure == _DIED and outcome.number not in died_once:
                    died_once.add(outcome.number)
                    waiting.append(outcome.number)
                else:
                    yield outcome
                if waiting:
                    worker.assign(waiting[0], tasks[waiting.popleft()])
    finally:
        for worker in pool:
            worker.stop()


class GuardedWorker[Task]:
    """One worker process with the limits of `run`, for a pool that is not ours, such as Apache Beam's.

    Args:
        prepare, limits: see `run`.
    """

    def __init__(self, prepare: Callable[[], Callable[[Task], None]], limits: Limits) -> None:
        if multiprocessing.current_process().daemon:
            # Dask's workers are daemons, which may start no process lest it is left behind. Ours is not.
            multiprocessing.current_process().daemon = False
        self._worker = _Worker(prepare, limits)

    def __call__(self, task: Task) -> str:
        """Does the task; returns why it failed, or ''.

        Raises:
            RuntimeError: see `run`.
        """
        failure = self._once(task)
        return self._once(task) if failure == _DIED else failure

    def stop(self) -> None:
        """Ends the process."""
        self._worker.stop()

    def _once(self, task: Task) -> str:
        self._worker.assign(0, task)
        _finished([self._worker])
        return self._worker.outcome().failure


class _Worker:
    """One process and its current task. A process that has ended is replaced when it is given a task."""

    def __init__(self, prepare: Callable[[], Any], limits: Limits) -> None:
        self._prepare = prepare
        self._limits = limits
        self._start()

    def _start(self) -> None:
        self.number: int | None = None
        self.deadline = 0.0
        self.connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve, args=(theirs, self._prepare, self._limits.memory), daemon=True
        )
        with _inherited_settings():
            self._process.start()
        theirs.close()  # so that the death of the worker ends the connection

    def assign(self, number: int, task: object) -> None:
        if not self._process.is_alive():
            self.stop()
            self._start()
        self.number = number
        self.deadline = time.monotonic() + self._limits.seconds
        with contextlib.suppress(OSError):  # it died just now; reading from it will show that
            self.connection.send(task)

    def outcome(self) -> Outcome:
        """How the current task ended. Call it only when the worker has answered, died or is overdue."""
        assert self.number is not None
        number, self.number = self.number, None
        if not self.connection.poll():
            self._kill()
            return Outcome(number, f"it took longer than {self._limits.seconds:.0f} s")
        try:
            error = self.connection.recv()
        except (EOFError, OSError):
            self._kill()
            return Outcome(number, _DIED)
        if error:
            raise RuntimeError(error)
        return Outcome(number, "")

    def stop(self) -> None:
        """Kills the process."""
        self._kill()
        self.connection.close()

    def _kill(self) -> None:
        self._process.kill()
        self._process.join()


def _finished(busy: list[_Worker]) -> list[_Worker]:
    """Waits until at least one worker has answered, died or is overdue; returns those."""
    first = min(worker.deadline for worker in busy)
    ready = wait([worker.connection for worker in busy], max(0.0, first - time.monotonic()))
    now = time.monotonic()
    return [w for w in busy if w.connection in ready or w.deadline <= now]


@contextlib.contextmanager
def _inherited_settings() -> Iterator[None]:
    """Settings for a new worker: it hears no signal yet, see `_leave_signals_to_parent`; one thread."""
    with _START_LOCK:
        threads = os.environ.get("OPENBLAS_NUM_THREADS")
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
            if threads is None:
                del os.environ["OPENBLAS_NUM_THREADS"]
            else:
                os.environ["OPENBLAS_NUM_THREADS"] = threads


def _leave_signals_to_parent() -> None:
    """A signal to all processes of a job is the parent's to hear: it decides what is finished and kept.

    SIGTERM ends a worker, because `multiprocessing` ends it so; its task is then given to another.
    """
    for number in SIGNALS:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _serve(
    connection: Connection, prepare: Callable[[], Callable[[Any], None]], memory: int
) -> None:
    """The main function of a worker: receives tasks, sends '' or a traceback, until the connection ends."""
    _leave_signals_to_parent()
    standard_streams.outlive()
    exit_after_parent()  # a parent that was killed closes nothing
    resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    task = None
    try:
        function = prepare()
        while True:
            task = connection.recv()
            function(task)
            connection.send("")
    except EOFError:
        return
    except Exception:
        connection.send(f"{task}: {traceback.format_exc()}")
