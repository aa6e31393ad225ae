"""Work on many machines: starts an Apache Beam pipeline and follows it from this machine.

Only tasks travel through Beam, one for each source file, and nothing comes back: a worker writes a file
into OUT/.work, as a local process does, and this machine watches that folder. So a stopped run goes on from
the files that exist, and a cluster moves no pictures through its own storage. In return

- the source and OUT must be folders under the same paths on every worker and here (NFS, Filestore and
  the like; OpenCV cannot read from a bucket), and
- every worker must have the same versions as this machine; it refuses to work otherwise. Other processors
  may round differently: the same bytes are promised for machines of the same kind only.
"""

import itertools
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from jaxfake.beam.runner import DASK, Runner
from jaxfake.beam.tasks import BeamJob, Part, Task, Work, to_line
from jaxfake.runtime.errors import FAILED, USAGE, InputError
from jaxfake.runtime.preemption import SIGNALS
from jaxfake.runtime.processes.orphan_processes import exit_after_parent
from jaxfake.runtime.worker_pool import Outcome

LOG = "beam.log"
"""File in OUT/.work with all output of Beam, which would otherwise hide the progress."""

_SPAWN = multiprocessing.get_context("spawn")

_MOST_PARTS = 1000
"""Of the file of tasks. The description of a pipeline names each, and has to stay small."""

_POLL_SECONDS = 1.0
_CANCEL_SECONDS = 20.0


def run(tasks: Sequence[Task], work: Work, runner: Runner, processes: int) -> Iterator[Outcome]:
    """Does all tasks in the workers of a Beam runner; yields outcomes as tasks end, in any order.

    Args:
        tasks: their finished files are all in one folder. Such a file that exists already may be damaged,
            and is made again.
        work: how they are done.
        runner: the runner.
        processes: number of processes of Beam's DirectRunner. Other runners have options for that.

    Raises:
        InputError: Beam has no such runner or option, or files of the workers do not appear here.
        RuntimeError: the pipeline failed; the text is the last line of its output.
    """
    if not tasks:
        return
    folder = tasks[0].finished.parent
    parts = _write_tasks(tasks, folder / "tasks")
    job = BeamJob(folder / "tasks", parts, work, runner.name, _arguments(runner, processes))
    waiting = dict(enumerate(tasks))
    with _Pipeline(job, folder / LOG) as pipeline:
        while pipeline.is_running():
            yield from _finished(waiting, folder)
    yield from _finished(waiting, folder)
    if waiting:
        raise InputError(
            f"the workers are done, but {len(waiting)} of {len(tasks)} files are not in {folder}: "
            "--out must be a folder that all workers share with this machine"
        )


def _arguments(runner: Runner, processes: int) -> list[str]:
    """The options of the pipeline as on a command line; of the same key the last, a user's, counts."""
    options = [f"direct_num_workers={processes}", "direct_running_mode=multi_threading"]
    cut = ("dask_npartitions", "dask_partition_size")
    if runner.name == DASK and not any(one.startswith(cut) for one in runner.options):
        options.append("dask_partition_size=1")  # Dask would give 128 parts to one worker
    return [f"--{option}" for option in (*options, *runner.options)]


def _write_tasks(tasks: Sequence[Task], file: Path) -> list[Part]:
    """Writes the tasks for the workers, and removes files of earlier runs for the same tasks.

    Returns:
        Where in the file each part is that one worker reads.
    """
    lines = [f"{to_line(task)}\n".encode() for task in tasks]
    file.write_bytes(b"".join(lines))
    for task in tasks:
        task.finished.unlink(missing_ok=True)
        task.failure.unlink(missing_ok=True)
    ends = list(itertools.accumulate(map(len, lines), initial=0))
    count = min(len(tasks), _MOST_PARTS)
    bounds = [ends[len(tasks) * part // count] for part in range(count + 1)]
    return list(itertools.pairwise(bounds))


def _finished(waiting: dict[int, Task], folder: Path) -> Iterator[Outcome]:
    """Outcomes of the tasks that are done or have failed by now; removes them from `waiting`."""
    names = set(os.listdir(folder))
    for number, task in list(waiting.items()):
        if task.failure.name in names:
            yield Outcome(number, task.failure.read_text())
        elif task.finished.name in names:
            yield Outcome(number, "")
        else:
            continue
        del waiting[number]


class _Pipeline:
    """A pipeline in a process of its own, which can be ended at any time."""

    def __init__(self, job: BeamJob, log: Path) -> None:
        self._runner, self._log = job.runner, log
        self._process: BaseProcess = _SPAWN.Process(target=_serve, args=(job, log))

    def __enter__(self) -> "_Pipeline":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(_CANCEL_SECONDS)
        self._process.kill()
        self._process.join()

    def is_running(self) -> bool:
        """Waits a little; whether the pipeline is still running.

        Raises:
            InputError, RuntimeError: see `run`.
        """
        self._process.join(_POLL_SECONDS)
        code = self._process.exitcode
        if code == USAGE:
            raise InputError(f"--beam_runner={self._runner}: {self._last_line()}")
        if code:
            raise RuntimeError(f"the Beam pipeline failed ({self._log}): {self._last_line()}")
        return code is None

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "no output")


def _serve(job: BeamJob, log: Path) -> None:
    """The main function of that process. All output goes into the log; its last line says why it failed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # the parent hears them, and ends this process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))
    exit_after_parent()
    with suppress(OSError), log.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    code = 0
    try:
        from jaxfake.beam import pipeline

        pipeline.run(job)
    except InputError as error:
        code = _print_line(str(error), USAGE)
    except SystemExit as end:
        # Ours when stopped; Beam's when an option is wrong, and then it has printed why.
        code = end.code if isinstance(end.code, int) else FAILED
    except BaseException as error:
        traceback.print_exc()
        code = _print_line(f"{type(error).__name__}: {error}", FAILED)
    os._exit(code)  # an ordinary exit would wait for Beam's threads


def _print_line(message: str, code: int) -> int:
    print(" ".join(message.split()), file=sys.stderr, flush=True)
    return code
