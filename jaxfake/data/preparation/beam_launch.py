"""Crops on many machines: starts an Apache Beam pipeline and follows it from this machine.

Only tasks travel through Beam, one for each source file, and nothing comes back: a worker writes the crop
file into OUT/.work, as a local process does, and this machine watches that folder. So a stopped run goes on
from the crop files that exist, and a cluster moves no pictures through its own storage. In return

- the source and OUT must be folders under the same paths on every worker and here (NFS, Filestore and
  the like; OpenCV cannot read from a bucket), and
- every worker must have the jaxfake and the OpenCV of this machine; it refuses to work otherwise. Other
  processors may round differently: the same bytes are promised for machines of the same kind only.

Beam makes the crops, which takes most of the time, and TFDS's builder then writes the dataset on this
machine as usual. TFDS could let Beam do that too, but not with the same bytes (tried with 4.9.10): if a
builder chooses its own shards, as ours does, the lengths are sorted as text, so that the third of twelve
shards is said to hold what the eleventh holds, and an extra file is left beside them; if it does not,
shards are made by the value of a hash or an integer key, after a shuffle of all examples.
"""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

from jaxfake.data.preparation.beam_tasks import BeamJob, failure_file, to_line, with_absolute_paths
from jaxfake.data.preparation.cropping import Cropper, CropTask
from jaxfake.runtime.errors import FAILED, USAGE, InputError
from jaxfake.runtime.orphan_processes import exit_after_parent
from jaxfake.runtime.preemption import SIGNALS
from jaxfake.runtime.worker_pool import Limits, Outcome

LOG = "beam.log"
"""File in OUT/.work with all output of Beam, which would otherwise hide the progress."""

_SPAWN = multiprocessing.get_context("spawn")

_POLL_SECONDS = 1.0
_CANCEL_SECONDS = 20.0


def run(
    tasks: list[CropTask],
    prepare: Callable[[], Cropper],
    processes: int,
    limits: Limits,
    *,
    runner: str,
    options: Sequence[str],
) -> Iterator[Outcome]:
    """Does the same as `worker_pool.run`, in the workers of a Beam runner.

    Args:
        tasks, prepare, limits: see there; the limits apply to every task of every worker.
        processes: number of processes of Beam's DirectRunner. Other runners have options for that.
        runner: its name in Beam.
        options: of the pipeline, `KEY=VALUE` or `KEY`.

    Raises:
        InputError: Beam has no such runner or option, or crop files of the workers do not appear here.
        RuntimeError: the pipeline failed; the text is the last line of its output.
    """
    if not tasks:
        return
    direct = [f"direct_num_workers={processes}", "direct_running_mode=multi_threading"]
    given = [
        f"--{option}" for option in [*direct, *options]
    ]  # of the same key, the last one counts
    tasks = [with_absolute_paths(task) for task in tasks]
    work = Path(tasks[0].crop_file).parent
    source = Path(os.path.commonpath([task.source.path.parent for task in tasks]))
    job = BeamJob(work / "tasks", prepare, limits, source, runner, given)
    _write_tasks(tasks, job.tasks)
    waiting = dict(enumerate(tasks))
    with _Pipeline(job, work / LOG) as pipeline:
        while pipeline.is_running():
            yield from _finished(waiting, work)
    yield from _finished(waiting, work)
    if waiting:
        raise InputError(
            f"the workers are done, but {len(waiting)} of {len(tasks)} crop files are not in {work}: "
            "--out must be a folder that all workers share with this machine"
        )


def engine(runner: str, options: Sequence[str]) -> partial[Iterator[Outcome]]:
    """`run` with a runner and its options, for `prepare.Preparation`."""
    return partial(run, runner=runner, options=options)


def _write_tasks(tasks: list[CropTask], file: Path) -> None:
    """Writes the tasks for the workers, and removes files of earlier runs for the same tasks."""
    file.write_text("\n".join(map(to_line, tasks)))
    for task in tasks:
        Path(task.crop_file).unlink(missing_ok=True)  # it may be damaged
        failure_file(task).unlink(missing_ok=True)


def _finished(waiting: dict[int, CropTask], work: Path) -> Iterator[Outcome]:
    """Outcomes of the tasks that have a crop file or a failure file by now; removes them from `waiting`."""
    names = set(os.listdir(work))
    for number, task in list(waiting.items()):
        if failure_file(task).name in names:
            yield Outcome(number, failure_file(task).read_text())
        elif Path(task.crop_file).name in names:
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
        from jaxfake.data.preparation import beam_pipeline

        beam_pipeline.run(job)
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
