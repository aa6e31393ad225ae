"""A trial of the detector before the first person comes: it scores an empty picture that we make."""

import asyncio
import shutil
from pathlib import Path

import cv2
import numpy as np

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.terminal_text import printable_line
from jaxfake.serving.jobs import detector_command
from jaxfake.serving.jobs.detector_command import FileRefused, NoResult
from jaxfake.serving.jobs.job_store import UPLOAD
from jaxfake.serving.limited import process
from jaxfake.serving.limited.process import ProcessLimits

_SIDE = 64
_SAID_BY = "jaxfake: "
"""Before the line by which a command of ours says what is wrong."""


def try_detector(command: list[str], folder: Path, limits: ProcessLimits) -> None:
    """Runs the detector's command once, so that a model that does not work is noticed at the start.

    Args:
        command: scores the file in the current folder.
        folder: for this trial; it must not exist, and does not afterwards.
        limits: of the process.

    Raises:
        InputError: it gives no result; the message is the detector's own, if it has one.
    """
    folder.mkdir()
    try:
        grey = np.full((_SIDE, _SIDE, 3), 128, np.uint8)
        (folder / UPLOAD).write_bytes(cv2.imencode(".png", grey)[1].tobytes())
        ended = asyncio.run(process.run(command, folder, limits))
        detector_command.read_result(folder, ended.code)
    except (FileRefused, NoResult):
        raise InputError(f"the detector does not work: {_why(ended)}") from None
    finally:
        shutil.rmtree(folder)


def _why(ended: process.Ended) -> str:
    if ended.code is None:
        return "it took too long to score a small picture"
    lines = ended.output.splitlines() or [f"it ended with {ended.code} and said nothing"]
    said = [line.removeprefix(_SAID_BY) for line in lines if line.startswith(_SAID_BY)]
    return printable_line((said or lines)[-1])
