"""Runs a command on a file of a stranger: in a process group of its own, with limits, ended as a whole."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from jaxfake.serving.limited import launcher

_IMPORTED_FROM = Path(__file__).parents[3]
"""The folder in which the package jaxfake is."""

_GRACE_SECONDS = 3.0
"""Between the request to stop and the kill. Our choice."""

_OUTPUT = "output"
"""File in the folder of the process that holds what it printed: a pipe would stay open for its children."""

_LAST_BYTES = 8192


@dataclasses.dataclass(frozen=True)
class ProcessLimits:
    """The most of one process; of its children, each."""

    seconds: float  # by the clock on the wall, of all together
    memory: int  # bytes of its data segment; code of libraries does not count
    written: int  # bytes of any file that it writes


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int | None  # None: it took too long and was killed; negative: a signal ended it
    output: str  # the last of what it printed


async def run(command: list[str], folder: Path, limits: ProcessLimits) -> Ended:
    """Runs a command to its end, and ends everything that it has started.

    Args:
        command: the first word is the path of a program.
        folder: in which it runs, and in which its temporary files are made.
        limits: of the process.
    """
    with (folder / _OUTPUT).open("w+b") as output:
        process = await asyncio.create_subprocess_exec(
            *_limited(command, limits),
            cwd=folder,
            env=_environment(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        code = None
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limits.seconds):
                    code = await process.wait()
        finally:
            await _end(process)
        return Ended(code, _last(output))


def python(module: str, *arguments: str) -> list[str]:
    """The command of a module of this package; nothing in the current folder can pretend to be one."""
    return [sys.executable, "-P", "-m", module, *arguments]


def _limited(command: list[str], limits: ProcessLimits) -> list[str]:
    cpu_seconds = int(limits.seconds * (os.cpu_count() or 1)) + 1
    numbers = (limits.memory, limits.written, cpu_seconds)
    return [sys.executable, "-IS", launcher.__file__, *map(str, numbers), *command]


def _environment(folder: Path) -> dict[str, str]:
    search = os.environ.get("PYTHONPATH")
    package = str(_IMPORTED_FROM)
    return os.environ | {
        "PYTHONPATH": f"{package}{os.pathsep}{search}" if search else package,
        "TMPDIR": str(folder),
    }


def _last(output: BinaryIO) -> str:
    output.seek(max(output.seek(0, os.SEEK_END) - _LAST_BYTES, 0))
    return output.read(_LAST_BYTES).decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends the process, if it has not ended, and its whole group."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
