"""What goes to the workers of a Beam pipeline: one task for each file, and how tasks are done.

A task is done once a certain file exists, which its worker writes in one step. So a task can be repeated at
any time, by Beam or by the next command, and nothing has to come back through Beam.
"""

import dataclasses
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

type Part = tuple[int, int]
"""First byte of a part of a file of tasks, and the byte after its last."""


@dataclasses.dataclass(frozen=True)
class Task:
    """The work of one file.

    Attributes:
        asked: what a worker has to know of it, as JSON holds it; all paths are absolute.
        finished: the file that its worker leaves.
    """

    asked: dict[str, Any]
    finished: Path

    @property
    def failure(self) -> Path:
        """The file in which a worker says why the task failed.

        It is another file, so that the next command tries the task again, as on one machine.
        """
        return self.finished.with_suffix(".failure")


class Worker(Protocol):
    """Does one task after the other, on a machine of the pipeline."""

    def __call__(self, task: Task) -> str:
        """Leaves the finished file, unless it is there already; returns why it failed, or ''."""

    def stop(self) -> None:
        """Ends whatever it has started."""


class Work(Protocol):
    """How tasks are done. Picklable."""

    def start(self) -> Worker:
        """Starts a worker on this machine.

        Raises:
            RuntimeError: this machine cannot do the work.
        """


@dataclasses.dataclass(frozen=True)
class BeamJob:
    """Everything that a pipeline is made from. Picklable.

    Attributes:
        tasks: file with one task on each line, see `to_line`.
        parts: of that file; together they are all of it.
        runner: its name in Beam.
        options: as on a command line.
    """

    tasks: Path
    parts: list[Part]
    work: Work
    runner: str
    options: list[str]


@dataclasses.dataclass(frozen=True)
class Common:
    """What every machine must have in common with the one that started the job.

    Attributes:
        versions: of everything that decides about the results.
        folder: one that holds all source files.
    """

    versions: Mapping[str, str]
    folder: Path

    def check(self, own_versions: Mapping[str, str]) -> None:
        """Compares this machine.

        Raises:
            RuntimeError: it has other versions, or cannot see the folder.
        """
        host = socket.gethostname()
        if own_versions != self.versions:
            raise RuntimeError(f"worker {host} has {own_versions}, and not {self.versions}")
        if not self.folder.is_dir():
            raise RuntimeError(f"worker {host} does not see {self.folder}")


def to_line(task: Task) -> str:
    """A task as one line of ASCII. JSON and not pickle: nothing in a shared folder is run as code."""
    return json.dumps({"asked": task.asked, "finished": str(task.finished)})


def from_line(line: str) -> Task:
    """The task of a line."""
    fields = json.loads(line)
    return Task(fields["asked"], Path(fields["finished"]))


def read(file: Path, part: Part) -> Iterator[str]:
    """The lines of a part of a file of tasks."""
    first, end = part
    with file.open("rb") as lines:
        lines.seek(first)
        yield from lines.read(end - first).decode("ascii").splitlines()
