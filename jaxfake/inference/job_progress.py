"""How far a job is: a bar or lines for people, and a file for programs such as a server."""

import json
import time
from pathlib import Path
from typing import Literal, Self

from jaxfake.inference.asked_files import AskedFile
from jaxfake.inference.reading import FrameCounts
from jaxfake.inference.results import FileResult
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.progress import Progress, say

Stage = Literal["reading", "scoring", "writing"]

_SECONDS_BETWEEN = 0.25
"""Between two versions of the file within a stage."""


class JobProgress:
    """A context manager.

    Args:
        file: that is replaced in one step whenever there is something new; None for none.
        files: of the job.
        done: of these, those that were done before.
    """

    def __init__(self, file: Path | None, files: int, done: int) -> None:
        self._file, self._files, self._done = file, files, done
        self._bar = Progress("detecting", files, "files", done=done)
        self._counts: FrameCounts | None = None
        self._stage: Stage = "reading"
        self._name, self._written = "", 0.0

    def __enter__(self) -> Self:
        self._bar.__enter__()
        self._write()
        return self

    def __exit__(self, *what: object) -> None:
        self._bar.__exit__(*what)

    def watch(self, counts: FrameCounts, first: AskedFile) -> None:
        """From now on files are read, this one first, and their frames are counted."""
        self._counts, self._name = counts, Path(first.path).name
        self._write()

    def reading(self) -> None:
        """The detector waits for files; to be called now and then."""
        changed = self._stage != "reading"
        self._stage = "reading"
        if changed or time.monotonic() - self._written >= _SECONDS_BETWEEN:
            self._write()

    def scoring(self, asked: AskedFile) -> None:
        """Files are scored, this one first."""
        self._stage, self._name = "scoring", Path(asked.path).name
        self._write()

    def finished(self, result: FileResult) -> None:
        """There is a result for one more file."""
        self._done += 1
        self._name = result.file.name
        if result.refusal:
            say(f"refused: {result.file.path}: {result.refusal}")
        self._bar.advance(1)
        self._write()

    def writing(self) -> None:
        """All files have a result."""
        self._stage = "writing"
        self._write()

    def _write(self) -> None:
        if self._file is None:
            return
        to_read, read = (0, 0) if self._counts is None else self._counts.totals()
        content = {
            "stage": self._stage,
            "file": self._name,
            "files_done": self._done,
            "files": self._files,
            "frames_done": read,
            "frames": to_read,
        }
        self._written = time.monotonic()
        write_atomically(self._file, json.dumps(content))
