"""A verb that stands still at one instant of its work, so that a test may strike it there.

    python -m tests.held jaxfake.train.monitor:Watch.after 6 FILE jaxfake.main --config=...

Before call number 6 of that function FILE appears, and the verb waits: until it is asked to stop, or until
FILE is deleted. Without this, a test that is late would find the run further on, or over.
"""

import functools
import importlib
import runpy
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jaxfake.runtime.preemption import preemption


def held(where: str, call: int, file: Path, command: list[str]) -> list[str]:
    """The command of a verb, `python -m jaxfake.VERB ...`, held there."""
    python, _, verb, *flags = command
    return [python, "-m", "tests.held", where, str(call), str(file), verb, *flags]


def _hold(where: str, call: int, file: Path) -> None:
    module, _, path = where.partition(":")
    *parents, name = path.split(".")
    owner = functools.reduce(getattr, parents, importlib.import_module(module))
    setattr(owner, name, _standing_still(getattr(owner, name), call, file))


def _standing_still(function: Callable[..., Any], call: int, file: Path) -> Callable[..., Any]:
    calls = 0

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            file.touch()
            while file.exists() and not preemption.requested:
                time.sleep(0.01)
        return function(*args, **options)

    return wrapper


def _main(where: str, call: str, file: str, verb: str, flags: Iterable[str]) -> None:
    _hold(where, int(call), Path(file))
    sys.argv = [verb, *flags]
    runpy.run_module(verb, run_name="__main__")


if __name__ == "__main__":
    _main(*sys.argv[1:5], sys.argv[5:])
