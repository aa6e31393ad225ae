"""What every verb shares at the command line: flags, exit codes, and errors as one line."""

import logging
import sys
import traceback
from collections.abc import Callable

from absl import app, flags
from absl import logging as absl_logging

from jaxfake.asked_back import asked_back
from jaxfake.errors import DONE, FAILED, PREEMPTED, USAGE, InputError, Preempted

_DEBUG = flags.DEFINE_bool("debug", False, "Show the Python traceback of an error.")


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
    asked_back.listen()
    try:
        return main() or DONE
    except Exception as error:
        return explain(error)


def explain(error: Exception) -> int:
    """Says in one line what ended the work; the exit code of it."""
    match error:
        case InputError():
            return _failed(str(error), USAGE)
        case Preempted():
            return _failed(str(error), PREEMPTED)
        case _:
            hint = "" if _DEBUG.value else " (--debug shows where)"
            return _failed(f"{type(error).__name__}: {_one_line(error)}{hint}", FAILED)


def _failed(message: str, code: int) -> int:
    if _DEBUG.value:
        traceback.print_exc()
    _say(message)
    return code


def _one_line(error: BaseException) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if "Traceback" in text:  # ml_collections puts the whole of one into its message
        text = text.strip().splitlines()[-1]
    return " ".join(text.split()) or type(error).__name__


def _say(message: str) -> None:
    print(f"jaxfake: {message}", file=sys.stderr, flush=True)
