"""What every verb shares at the command line: flags, exit codes, and errors as one line."""

import errno
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from absl import app, flags
from absl import logging as absl_logging

from jaxfake.runtime.errors import DONE, FAILED, PREEMPTED, USAGE, InputError, Preempted
from jaxfake.runtime.preemption import preemption

_DEBUG = flags.DEFINE_bool("debug", False, "Show the Python traceback of an error.")

_DISK = (errno.ENOSPC, errno.EROFS, errno.EDQUOT)
"""Errors of a disk that is full or takes nothing: nothing that a traceback would explain."""

_SECONDS_TO_LEAVE = 5.0
"""For threads of libraries after an error: Orbax's wait 300 s for a save that failed."""


_folder = "a disk"


def writes_to(folder: Path) -> None:
    """What to name when a disk refuses a file that it does not name itself."""
    global _folder
    _folder = str(folder)


def run(main: Callable[[], int | None]) -> None:
    """Parses the flags, calls `main()` and exits the process with its code (None is 0)."""
    app.run(lambda _: sys.exit(_guarded(main)), flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    """The positional arguments; ends the process with one line if a flag is unknown or wrong."""
    try:
        return flags.FLAGS(argv, known_only=False)
    except (flags.Error, AttributeError, KeyError, ValueError, TypeError, OSError) as error:
        # ml_collections reports a mistyped --config.KEY with any of these.
        _say(f"{_one_line(error)} (--help lists the flags)")
        sys.exit(USAGE)
    except InputError as error:
        _say(str(error))
        sys.exit(USAGE)


def _guarded(main: Callable[[], int | None]) -> int:
    absl_logging.set_verbosity(absl_logging.WARNING)
    logging.getLogger("jax").setLevel(logging.ERROR)
    preemption.listen()
    threading.excepthook = _of_a_thread
    if not _DEBUG.value:
        _hush()
    try:
        return main() or DONE
    except Exception as error:
        return explain(error)
    finally:
        preemption.leaving()


def explain(error: Exception) -> int:
    """Says in one line what ended the work; the exit code of it."""
    match error:
        case InputError():
            return _failed(str(error), USAGE)
        case Preempted():
            return _failed(str(error), PREEMPTED)
    if (refused := _refused_by_a_disk(error)) is not None:
        where = refused.filename or _folder
        return _failed(
            f"{where} cannot be written to ({refused.strerror}); what was saved before is whole: "
            "make room and run the same command again",
            USAGE,
        )
    hint = "" if _DEBUG.value else " (--debug shows where)"
    return _failed(f"{type(error).__name__}: {_one_line(error)}{hint}", FAILED)


def _refused_by_a_disk(error: BaseException | None) -> OSError | None:
    """What a disk said that is full or takes nothing, if that is behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK:
            return error
        error = error.__cause__
    return None


def _hush() -> None:
    """Keeps libraries from printing tracebacks of errors that they raise as well; we say those in a line.

    When a disk refuses a save, Orbax logs it from each of its threads, and TensorStore prints a traceback
    for every array that comes too late.
    """
    logging.getLogger("absl").addFilter(lambda record: not record.exc_info)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited")
    sys.unraisablehook = _unless_late


def _of_a_thread(failed: threading.ExceptHookArgs) -> None:
    """A writer that dies of a full disk would hold up for ever whoever has something to write."""
    if isinstance(failed.exc_value, Exception) and _refused_by_a_disk(failed.exc_value):
        os._exit(explain(failed.exc_value))
    threading.__excepthook__(failed)


def _unless_late(ignored: "sys.UnraisableHookArgs") -> None:
    if str(ignored.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(ignored)


def _failed(message: str, code: int) -> int:
    if _DEBUG.value:
        traceback.print_exc()
    _say(message)
    overdue = threading.Timer(_SECONDS_TO_LEAVE, os._exit, [code])
    overdue.daemon = True
    overdue.start()
    return code


def _one_line(error: BaseException) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if "Traceback" in text:  # ml_collections puts the whole of one into its message
        text = text.strip().splitlines()[-1]
    return " ".join(text.split()) or type(error).__name__


def _say(message: str) -> None:
    print(f"jaxfake: {message}", file=sys.stderr, flush=True)
