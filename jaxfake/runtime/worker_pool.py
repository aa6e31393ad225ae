"""Worker processes that may die or hang: such a file is given up, the rest goes on.

The executors of the standard library end as a whole when one worker is killed, and cannot end a task
that takes too long; decoders fed with damaged files do both.
"""

import contextlib
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
from typing import Any, NamedTuple

_SPAWN = multiprocessing.get_context("spawn")

_DIED = "the process that worked on it died twice"

_ONE_STARTS = threading.Lock()
"""What a worker inherits belongs to the whole process, of which several threads may start workers."""


class Limits(NamedTuple):
    """What one task may take."""

    seconds: float = 900.0
    memory: int = 4 << 30  # bytes of a worker's data segment, libraries not counted


DEFAULT_LIMITS = Limits()


class Outcome(NamedTuple):
    """The end of one task."""

    number: int  # in the list of tasks
    failure: str  # '' if its function returned


def run[Task](
    tasks: list[Task],
    prepare: Callable[[], Callable[[Task], None]],
    workers: int,
    limits: Limits,
) -> Iterator[Outcome]:
    """Calls a function for every task, in processes; yields as tasks end, in any order.

    A task that takes too long fails. One whose worker dies is given to a new worker once more (the
    system kills at random when memory is short), then fails.

    Args:
        tasks: picklable.
        prepare: picklable; called once in every worker, makes the function.
        workers: how many processes.
        limits: for every task.

    Raises:
        RuntimeError: the function raised; the text names the task and holds the traceback.
    """
    waiting = deque(range(len(tasks)))
    died_once: set[int] = set()
    pool = [_Worker(prepare, limits) for _ in range(min(workers, len(tasks)))]
    try:
        for worker in pool:
            worker.give(waiting[0], tasks[waiting.popleft()])
        while busy := [worker for worker in pool if worker.number is not None]:
            for worker in _ended(busy):
                end = worker.end()
                if end.failure == _DIED and end.number not in died_once:
                    died_once.add(end.number)
                    waiting.append(end.number)
                else:
                    yield end
                if waiting:
                    worker.give(waiting[0], tasks[waiting.popleft()])
    finally:
        for worker in pool:
            worker.stop()


class Guarded[Task]:
    """One process that does a task at a time, with the guards of `run`; for an engine that is not ours.

    Args:
        prepare, limits: as of `run`.
    """

    def __init__(self, prepare: Callable[[], Callable[[Task], None]], limits: Limits) -> None:
        self._worker = _Worker(prepare, limits)

    def __call__(self, task: Task) -> str:
        """Does the task; says why not, or ''.

        Raises:
            RuntimeError: as `run`.
        """
        failure = self._once(task)
        return self._once(task) if failure == _DIED else failure

    def stop(self) -> None:
        """Ends the process."""
        self._worker.stop()

    def _once(self, task: Task) -> str:
        self._worker.give(0, task)
        _ended([self._worker])
        return self._worker.end().failure


class _Worker:
    """One process and what it is doing. A process that ended is replaced when there is work."""

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
        with _starting():
            self._process.start()
        theirs.close()  # so that the death of the worker ends the connection

    def give(self, number: int, task: object) -> None:
        if not self._process.is_alive():
            self.stop()
            self._start()
        self.number = number
        self.deadline = time.monotonic() + self._limits.seconds
        with contextlib.suppress(OSError):  # it died just now: reading will say so
            self.connection.send(task)

    def end(self) -> Outcome:
        """The end of the present task; only for a worker that has answered, died or is overdue."""
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
        """Ends the process, whatever it does."""
        self._kill()
        self.connection.close()

    def _kill(self) -> None:
        self._process.kill()
        self._process.join()


def _ended(busy: list[_Worker]) -> list[_Worker]:
    """Waits until at least one of the workers has answered, died or is overdue."""
    first = min(worker.deadline for worker in busy)
    ready = wait([worker.connection for worker in busy], max(0.0, first - time.monotonic()))
    now = time.monotonic()
    return [w for w in busy if w.connection in ready or w.deadline <= now]


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """What a worker inherits: Ctrl-C is the parent's to handle, and one process is one thread."""
    with _ONE_STARTS, _ignoring_interrupts():
        threads = os.environ.get("OPENBLAS_NUM_THREADS")
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        try:
            yield
        finally:
            if threads is None:
                del os.environ["OPENBLAS_NUM_THREADS"]
            else:
                os.environ["OPENBLAS_NUM_THREADS"] = threads


@contextlib.contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets no other thread set this; the worker does so itself, a moment later
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _serve(
    connection: Connection, prepare: Callable[[], Callable[[Any], None]], memory: int
) -> None:
    """The life of a worker: tasks in, '' or a traceback out, until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
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


def end_with_parent() -> None:
    """Ends this process when its parent does; never returns, so it wants a thread of its own.

    A parent that was killed closes nothing; without this its workers would finish their tasks.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
