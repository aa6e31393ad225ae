"""What all verbs share at the command line: flags, exit codes, and errors as one line."""

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

from jaxfake.runtime import standard_streams
from jaxfake.runtime.errors import DONE, FAILED, PREEMPTED, USAGE, InputError, Preempted
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.terminal_text import printable_line

_DEBUG = flags.DEFINE_bool("debug", False, "Show the Python traceback of an error.")

_DISK_ERRORS = (errno.ENOSPC, errno.EROFS, errno.EDQUOT)
"""A disk that is full or read-only: a traceback would explain nothing."""

_EXIT_SECONDS = 5.0
"""After an error, the time that threads of libraries have to end: Orbax's wait 300 s for a failed save."""

_output_folder = "a disk"


def set_output_folder(folder: Path) -> None:
    """Sets the folder that is named when a disk refuses a file and the error names no file."""
    global _output_folder
    _output_folder = str(folder)


def run(main: Callable[[], int | None]) -> None:
    """Parses the flags, calls `main()` and exits the process with its code (None is 0)."""
    run_on_files(lambda _: main())


def run_on_files(main: Callable[[list[str]], int | None]) -> None:
    """The same for a verb that takes names of files beside its flags: `main` is given them."""
    standard_streams.outlive()
    absl_logging.get_absl_handler().python_handler.stream = sys.stderr
    app.run(lambda argv: sys.exit(_guarded(lambda: main(argv[1:]))), flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    """The positional arguments; ends the process with one line if a flag is unknown or wrong."""
    try:
        return flags.FLAGS(argv, known_only=False)
    except (flags.Error, AttributeError, KeyError, ValueError, TypeError, OSError) as error:
        # ml_collections reports a mistyped --config.KEY with any of these.
        _say(f"{_one_line(error)} (--help lists the flags)")
        sys.exit(USAGE)
    except InputError as error:
        if "--debug" in argv:
            traceback.print_exc()
        _say(str(error))
        sys.exit(USAGE)


def _guarded(main: Callable[[], int | None]) -> int:
    absl_logging.set_verbosity(absl_logging.WARNING)
    logging.getLogger("jax").setLevel(logging.ERROR)
    preemption.listen()
    threading.excepthook = _exit_if_disk_refuses
    if not _DEBUG.value:
        _quieten_libraries()
    try:
        return main() or DONE
    except Exception as error:
        return explain(error)
    finally:
        preemption.ignore_signals()


def explain(error: Exception) -> int:
    """Prints in one line why the work ended, and returns the exit code."""
    match error:
        case InputError():
            return _failed(str(error), USAGE)
        case Preempted():
            return _failed(str(error), PREEMPTED)
    if (refused := _disk_error(error)) is not None:
        where = refused.filename or _output_folder
        return _failed(
            f"{where} cannot be written to ({refused.strerror}); what was saved before is whole: "
            "make room and run the same command again",
            USAGE,
        )
    hint = "" if _DEBUG.value else " (--debug shows where)"
    return _failed(f"{type(error).__name__}: {_one_line(error)}{hint}", FAILED)


def _disk_error(error: BaseException | None) -> OSError | None:
    """The error of a full or read-only disk, if that is what caused this error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            return error
        error = error.__cause__
    return None


def _quieten_libraries() -> None:
    """Keeps libraries from printing tracebacks of errors that they also raise; we print those in a line.

    When a disk refuses a save, Orbax logs it from each of its threads, and TensorStore prints a traceback
    for every array that it could not write in time.
    """
    logging.getLogger("absl").addFilter(lambda record: not record.exc_info)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited")
    sys.unraisablehook = _ignore_closed_loop


def _exit_if_disk_refuses(failed: threading.ExceptHookArgs) -> None:
    """Ends the process: other threads would wait for ever for a writer that a full disk has ended."""
    if isinstance(failed.exc_value, Exception) and _disk_error(failed.exc_value):
        os._exit(explain(failed.exc_value))
    threading.__excepthook__(failed)


def _ignore_closed_loop(ignored: "sys.UnraisableHookArgs") -> None:
    """An array that is dropped after the event loop was closed is not our error."""
    if str(ignored.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(ignored)


def _failed(message: str, code: int) -> int:
    if _DEBUG.value:
        traceback.print_exc()
    overdue = threading.Timer(_EXIT_SECONDS, os._exit, [code])
    overdue.daemon = True
    overdue.start()  # first: a terminal that is held up (Ctrl-S) would hold up the exit
    _say(message)
    return code


def _one_line(error: BaseException) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if "Traceback" in text:  # ml_collections puts a whole traceback into its message
        text = text.strip().splitlines()[-1]
    return " ".join(text.split()) or type(error).__name__


def _say(message: str) -> None:
    print(printable_line(f"jaxfake: {message}"), file=sys.stderr, flush=True)
