"""A verb whose device runs out of memory at its update number CALL.

python -m tests.train.memory.full_device CALL jaxfake.main --config=...
"""

import runpy
import sys
from typing import Any

import jax

from jaxfake.train import loop

FULL = "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes."


def failing(update: Any, call: int, error: Exception) -> Any:
    """An update that fails when it is called for the time `call`."""
    calls = 0

    def as_if_full(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error
        return update(*arguments, **named)

    return as_if_full


if __name__ == "__main__":
    full = jax.errors.JaxRuntimeError(FULL)
    loop._update = failing(loop._update, int(sys.argv[1]), full)
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__")
