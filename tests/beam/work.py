"""Work for a pipeline: each task does what its name says, in a process of ours."""

import dataclasses
import os
import signal
import threading
from pathlib import Path

from jaxfake.beam.tasks import Task
from jaxfake.runtime.worker_pool import GuardedWorker, Limits


def start() -> "Doer":
    return Doer()


class Doer:
    def __call__(self, task: Task) -> None:
        name = task.asked["name"]
        if name == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "hang":
            threading.Event().wait()
        if name == "fail":
            raise KeyError("of this task")
        if name.startswith("wait"):  # until the test says so, the first time
            gate = Path(task.asked["gate"])
            while not gate.exists():
                threading.Event().wait(0.02)
        if name != "forget":
            task.finished.write_text(name)


class Guarded:
    """A worker with a process of its own."""

    def __init__(self, limits: Limits) -> None:
        self._process: GuardedWorker[Task] = GuardedWorker(start, limits)

    def __call__(self, task: Task) -> str:
        return "" if task.finished.exists() else self._process(task)

    def stop(self) -> None:
        self._process.stop()


@dataclasses.dataclass(frozen=True)
class GuardedWork:
    seconds: float = 30.0

    def start(self) -> Guarded:
        return Guarded(Limits(self.seconds, 2 << 30))


@dataclasses.dataclass(frozen=True)
class RefusingWork:
    """Of a machine that cannot do it."""

    def start(self) -> Guarded:
        raise RuntimeError("worker here has {'opencv': '1'}, and not {'opencv': '2'}")
