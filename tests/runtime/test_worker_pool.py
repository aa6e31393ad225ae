"""Workers that die, hang, fail and are left behind."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jaxfake.runtime import worker_pool
from jaxfake.runtime.worker_pool import GuardedWorker, Limits, run
from tests.processes import FOREVER, Processes, until
from tests.project import ROOT

LIMITS = Limits(seconds=FOREVER, memory=2 << 30)


def make(folder: Path):
    """A function that does what the task says, and leaves a file."""

    def work(task: str) -> None:
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if task.startswith("SIG"):
            os.kill(os.getpid(), signal.Signals[task])
        if task == "die once" and not (folder / "died").exists():
            (folder / "died").touch()
            os._exit(3)
        if task == "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            (folder / "hangs").touch()
            threading.Event().wait()
        if task == "fail":
            raise KeyError("of this task")
        if task == "eat":
            try:
                np.ones(8 << 30, np.uint8)
            except MemoryError:
                (folder / "too much").touch()
        (folder / task).touch()

    return work


def outcomes(
    tasks: list[str], folder: Path, limits: Limits = LIMITS, workers: int = 2
) -> dict[str, str]:
    ends = list(run(tasks, partial(make, folder), workers, limits))
    assert sorted(end.number for end in ends) == list(range(len(tasks)))
    return {tasks[end.number]: end.failure for end in ends}


@pytest.mark.parametrize("workers", [1, 3])
def test_everything_is_done_once(tmp_path, workers):
    tasks = [f"task {n}" for n in range(20)]
    assert set(outcomes(tasks, tmp_path, workers=workers).values()) == {""}
    assert len(list(tmp_path.iterdir())) == 20


def test_nothing_to_do_starts_nothing(tmp_path):
    assert outcomes([], tmp_path) == {}


def test_a_death_costs_its_own_task_only(tmp_path):
    ends = outcomes(["a", "die", "b", "die once", "c"], tmp_path)
    assert "died twice" in ends.pop("die")
    assert set(ends.values()) == {""}
    assert all((tmp_path / name).exists() for name in ("a", "b", "c", "die once"))


def test_signals_to_all_processes_of_a_job_are_left_to_the_parent(tmp_path):
    tasks = ["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"]
    assert outcomes(tasks, tmp_path, workers=1) == dict.fromkeys(tasks, "")


class Clock:
    """Stands in for `time` and stands still, so that no task is late but the one that hangs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(worker_pool, "time", self)

    def monotonic(self) -> float:
        return self.now


def test_a_hang_costs_its_own_task_only(tmp_path, monkeypatch):
    clock, ends = Clock(monkeypatch), {}
    for end in run(["hang", "a", "b"], partial(make, tmp_path), 2, LIMITS):
        ends[end.number] = end.failure
        if len(ends) == 2:
            clock.now += 2 * FOREVER
    assert ends == {0: f"it took longer than {FOREVER:.0f} s", 1: "", 2: ""}


def test_a_hang_of_one_task_at_a_time_costs_no_other(tmp_path, monkeypatch):
    clock, wait = Clock(monkeypatch), worker_pool.wait

    def until_it_hangs(connections, timeout):
        while not (ready := wait(connections, 0.05)):
            if (tmp_path / "hangs").exists():
                (tmp_path / "hangs").unlink()
                clock.now += 2 * FOREVER
                break
        return ready

    monkeypatch.setattr(worker_pool, "wait", until_it_hangs)
    guarded = GuardedWorker(partial(make, tmp_path), LIMITS)
    try:
        assert [guarded(task) for task in ("a", "hang", "b")] == [
            "",
            f"it took longer than {FOREVER:.0f} s",
            "",
        ]
    finally:
        guarded.stop()


def test_the_guards_hold_for_one_task_at_a_time_in_any_thread(tmp_path):
    def do(tasks: list[str]) -> list[str]:
        guarded = GuardedWorker(partial(make, tmp_path), LIMITS)
        try:
            return [guarded(task) for task in tasks]
        finally:
            guarded.stop()

    before = signal.getsignal(signal.SIGINT), dict(os.environ)
    with ThreadPoolExecutor() as threads:
        first, second = threads.map(do, [["a", "die", "die once"], ["die", "b"]])
    assert (signal.getsignal(signal.SIGINT), dict(os.environ)) == before
    assert ["died twice" in failure for failure in first] == [False, True, False]
    assert ["died twice" in failure for failure in second] == [True, False]
    assert all((tmp_path / name).exists() for name in ("a", "b", "die once"))


def test_memory_is_bounded(tmp_path):
    outcomes(["eat"], tmp_path)
    assert (tmp_path / "too much").exists()


def test_an_error_of_the_program_is_not_swallowed(tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)fail: .*KeyError: 'of this task'"):
        outcomes(["fail"], tmp_path)


def test_workers_do_not_outlive_a_killed_parent(tmp_path, processes: Processes):
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path; from functools import partial\n"
        "from test_worker_pool import LIMITS, make; from jaxfake.runtime.worker_pool import run\n"
        "if __name__ == '__main__':\n"
        "    list(run(['hang', 'hang'], partial(make, Path(sys.argv[1])), 2, LIMITS))\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    paths = [str(Path(__file__).parent), str(ROOT)]
    parent = processes.start([sys.executable, script, tmp_path, *paths])
    until(lambda: len(children_of(parent.pid)) >= 2, parent)
    children = children_of(parent.pid)
    parent.kill()
    parent.wait()
    until(lambda: not any(running(pid) for pid in children))


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
