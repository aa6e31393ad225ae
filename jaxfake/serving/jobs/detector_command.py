"""What the server knows of `jaxfake.detect`: its command line, and the files that it leaves."""

import dataclasses
import math
import os
import shutil
from pathlib import Path
from typing import Any

from jaxfake.runtime.errors import DONE, InputError
from jaxfake.runtime.files import open_regular, read_json
from jaxfake.serving.jobs.job_store import REPORT, RESULTS, UPLOAD
from jaxfake.serving.limited import process
from jaxfake.serving.limits import Limits

OUT, PROGRESS = "out", "progress.json"

_MOST_RESULTS_BYTES, _MOST_REPORT_BYTES, _MOST_PROGRESS_BYTES = 64 << 20, 256 << 20, 1 << 14
_LONGEST_TEXT = 2000

_STAGES = {
    "reading": "Reading frames and finding faces",
    "scoring": "Scoring faces",
    "writing": "Writing the report",
}
_STARTING = "Loading the detector"
_NO_RESULT = (
    "The detector ended without a result: whoever runs the server finds the reason in its terminal."
)


class FileRefused(Exception):
    """The detector could not read the file. The text is a sentence for the person who asked."""


class NoResult(Exception):
    """The detector failed. The text is a sentence for the person who asked."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far the scoring of a file is."""

    stage: str  # in words
    done: int  # frames read so far
    total: int  # frames in all; 0 if that is not known yet


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the detector says of a file."""

    answer: str  # 'fake', 'real' or 'cannot_tell'
    words: str
    notes: tuple[str, ...]  # what its answers lack


def detect_command(model: str, limits: Limits) -> list[str]:
    """The command that scores the uploaded file in the current folder.

    Args:
        model: what its flag --model takes; a path must be absolute.
        limits: its worker process cannot have more than the process itself.
    """
    bounds = [
        f"--most_seconds={limits.work_seconds}",
        f"--most_memory_mb={limits.work_memory >> 20}",
    ]
    files = [f"--out={OUT}", f"--progress_file={PROGRESS}"]
    return process.python(
        "jaxfake.detect", UPLOAD, f"--model={model}", *files, *bounds, "--workers=1"
    )


def clear(folder: Path) -> None:
    """Removes what a detector has left that was ended in this folder."""
    shutil.rmtree(folder / OUT, ignore_errors=True)
    (folder / PROGRESS).unlink(missing_ok=True)


def read_progress(folder: Path) -> Progress:
    """How far the detector is that runs in this folder."""
    try:
        values = read_json(folder / PROGRESS, _MOST_PROGRESS_BYTES)
        stage, done, total = (values.get(key) for key in ("stage", "frames_done", "frames"))
    except (FileNotFoundError, InputError, AttributeError):
        return Progress(_STARTING, 0, 0)
    total = _count(total)
    return Progress(_STAGES.get(str(stage), _STARTING), min(_count(done), total), total)


def read_result(folder: Path, code: int | None) -> tuple[Verdict, Path, Path]:
    """What the detector said, and where its results and its report lie.

    Args:
        folder: in which it ran.
        code: its exit code.

    Raises:
        FileRefused, NoResult: there is no result.
    """
    results, report = folder / OUT / RESULTS, folder / OUT / REPORT
    try:
        values = read_json(results, _MOST_RESULTS_BYTES)
        file = values["files"][0]
        if file["status"] == "refused":
            raise FileRefused(f"This file cannot be used: {_text(file['refusal']).rstrip('.')}.")
        said = file["verdict"]
        notes = tuple(_text(one["sentence"]) for one in values["runtime"]["degraded"])
        verdict = Verdict(_text(said["answer"]), _text(said["words"]), notes)
        links = any(path.is_symlink() for path in (folder / OUT, results, report))
        whole = code == DONE and not links and _size(report) <= _MOST_REPORT_BYTES
    except (FileNotFoundError, InputError, LookupError, TypeError):
        whole = False
    if not whole:
        raise NoResult(_NO_RESULT)
    return verdict, results, report


def _size(path: Path) -> int:
    with open_regular(path) as file:
        return os.fstat(file.fileno()).st_size


def _count(value: Any) -> int:
    known = isinstance(value, int | float) and math.isfinite(value)
    return max(int(value), 0) if known else 0


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value[:_LONGEST_TEXT]
