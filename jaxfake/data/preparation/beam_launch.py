"""The crops on many machines: the tasks as an Apache Beam pipeline, as the machine that began it sees it.

What travels through Beam is a task, one source file, and nothing comes back: a worker writes the unit
into OUT/.work, as a process of ours does, and here that folder is watched. So a stopped run goes on from
the units that are there, and a cluster moves no pictures through its own storage. In return

- the source and OUT must be folders under the same paths on every worker and here (NFS, Filestore and
  the like; OpenCV opens no bucket), and
- every worker must have the jaxfake and the OpenCV of this machine; it refuses to work otherwise. Other
  processors may round otherwise: a promise of the same bytes is one for machines of the same kind.

Beam makes the crops, which is where the time goes, and TFDS's builder then writes the dataset here, as
ever. TFDS can have Beam do that too, but not with the same bytes (4.9.10, tried): of shards that a
builder chooses itself, as ours does, it sorts the lengths as text, so that of twelve shards the third is
said to hold what the eleventh holds, and leaves a file of its own beside them; of examples it makes
shards by the size of a hash or an integer key, after a shuffle of all of them, not by what is in a file.
"""

import json
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
from typing import NamedTuple

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation.cropping import Cropper, Task
from jaxfake.runtime.errors import FAILED, USAGE, InputError
from jaxfake.runtime.orphans import exit_after_parent
from jaxfake.runtime.worker_pool import Limits, Outcome

LOG = "beam.log"
"""In OUT/.work: everything that Beam says. It says much, and would say it over the progress."""

_SPAWN = multiprocessing.get_context("spawn")

_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_TO_CANCEL = 20.0


class Job(NamedTuple):
    """What a pipeline is made of. Picklable."""

    tasks: Path  # file of tasks, a line each, as `pack` makes them; all paths absolute
    prepare: Callable[[], Cropper]
    limits: Limits
    source: Path  # folder that holds all files
    runner: str
    options: list[str]  # as at a command line


def run(
    tasks: list[Task],
    prepare: Callable[[], Cropper],
    processes: int,
    limits: Limits,
    *,
    runner: str,
    options: Sequence[str],
) -> Iterator[Outcome]:
    """As `workers.run`, in the workers of a Beam runner.

    Args:
        tasks, prepare, limits: as there; the limits hold for every task of every worker.
        processes: at once, of Beam's DirectRunner. Others have options for that.
        runner: its name, as Beam has it.
        options: of the pipeline, `KEY=VALUE` or `KEY`.

    Raises:
        InputError: there is no such runner or option, or a worker's units are not seen here.
        RuntimeError: the pipeline failed; the text is the last line of what it said.
    """
    if not tasks:
        return
    direct = [f"direct_num_workers={processes}", "direct_running_mode=multi_threading"]
    given = [f"--{option}" for option in [*direct, *options]]  # the last of the same key holds
    tasks = [_anywhere(task) for task in tasks]
    work = Path(tasks[0].unit).parent
    source = Path(os.path.commonpath([task.source.path.parent for task in tasks]))
    job = Job(work / "tasks", prepare, limits, source, runner, given)
    _lay_out(tasks, job.tasks)
    waiting = dict(enumerate(tasks))
    with _Pipeline(job, work / LOG) as pipeline:
        while pipeline.runs():
            yield from _ended(waiting, work)
    yield from _ended(waiting, work)
    if waiting:
        raise InputError(
            f"the workers are done, but {len(waiting)} of {len(tasks)} units are not in {work}: "
            "--out must be a folder that all of them share with this machine"
        )


def engine(runner: str, options: Sequence[str]) -> partial[Iterator[Outcome]]:
    """`run` with a runner and its options, for `preparation.Preparation`."""
    return partial(run, runner=runner, options=options)


def note(task: Task) -> Path:
    """Where a worker writes why it has given a task up. Not into the unit, so that it is tried again
    when the preparation is, as on one machine."""
    return Path(task.unit).with_suffix(".failure")


def pack(task: Task) -> str:
    """A task as one line of ASCII: nothing in a shared folder is read as code."""
    return json.dumps({**task.source._asdict(), "unit": task.unit}, default=str)


def unpack(line: str) -> Task:
    """The task of a line."""
    fields = json.loads(line)
    unit = fields.pop("unit")
    paths = {name: fields[name] and Path(fields[name]) for name in ("path", "mask", "original")}
    return Task(SourceFile(**(fields | paths)), unit)


def _anywhere(task: Task) -> Task:
    """The same for a process that began in another folder."""
    source = task.source
    found = source._replace(
        path=source.path.absolute(),
        mask=source.mask and source.mask.absolute(),
        original=source.original and source.original.absolute(),
    )
    return Task(found, str(Path(task.unit).absolute()))


def _lay_out(tasks: list[Task], file: Path) -> None:
    """Writes the tasks for the workers, and removes what of earlier runs could be taken for theirs."""
    file.write_text("\n".join(map(pack, tasks)))
    for task in tasks:
        Path(task.unit).unlink(missing_ok=True)  # a damaged one
        note(task).unlink(missing_ok=True)


def _ended(waiting: dict[int, Task], work: Path) -> Iterator[Outcome]:
    """Those that have a unit or a note by now; they wait no longer."""
    names = set(os.listdir(work))
    for number, task in list(waiting.items()):
        if note(task).name in names:
            yield Outcome(number, note(task).read_text())
        elif Path(task.unit).name in names:
            yield Outcome(number, "")
        else:
            continue
        del waiting[number]


class _Pipeline:
    """A pipeline in a process of its own, which can be ended at any time, whatever its threads do."""

    def __init__(self, job: Job, log: Path) -> None:
        self._runner, self._log = job.runner, log
        self._process: BaseProcess = _SPAWN.Process(target=_serve, args=(job, log))

    def __enter__(self) -> "_Pipeline":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(_SECONDS_TO_CANCEL)
        self._process.kill()
        self._process.join()

    def runs(self) -> bool:
        """Waits a little; whether it is still at work.

        Raises:
            InputError, RuntimeError: as `run`.
        """
        self._process.join(_SECONDS_BETWEEN_LOOKS)
        code = self._process.exitcode
        if code == USAGE:
            raise InputError(f"--beam_runner={self._runner}: {self._said()}")
        if code:
            raise RuntimeError(f"the Beam pipeline failed ({self._log}): {self._said()}")
        return code is None

    def _said(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _serve(job: Job, log: Path) -> None:
    """The life of that process: all it says goes into the log, the last line says why it failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
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
        code = _says(str(error), USAGE)
    except (
        SystemExit
    ) as end:  # ours when stopped; Beam's when an option is wrong, which it has said
        code = end.code if isinstance(end.code, int) else FAILED
    except BaseException as error:
        traceback.print_exc()
        code = _says(f"{type(error).__name__}: {error}", FAILED)
    os._exit(code)  # Beam's threads would hold an ordinary end up


def _says(message: str, code: int) -> int:
    print(" ".join(message.split()), file=sys.stderr, flush=True)
    return code
