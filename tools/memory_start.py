"""What the memory planner adds to a start with an empty cache.

    python tools/memory_start.py --step=recover/configs/mover.py:ffpp_small --memory=7GiB

Makes the update of a stage ready with `config.memory=auto:SIZE`, then compiles the step that was chosen
once more, as a start under that plan would without the planner. Prints one line of JSON: seconds and CPU
seconds of both, and the difference, which is what the planner adds. Nothing is trained, and what the
planner finds out goes to a temporary folder.
"""

import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

from absl import flags

from jaxfake import config
from jaxfake.experiment import build_method
from jaxfake.runtime import cli
from jaxfake.runtime.config_flag import load_config
from jaxfake.train.memory.choose import update_for
from jaxfake.train.memory.workload import Workload, compile_step

_STEP = flags.DEFINE_string("step", "recover/configs/mover.py:ffpp_small", "STAGE/CONFIG.")
_MEMORY = flags.DEFINE_string("memory", None, "Of the device, such as 7GiB.", required=True)


def main() -> None:
    """A cold start, and the same without the planner."""
    with tempfile.TemporaryDirectory() as empty:
        os.environ["XDG_CACHE_HOME"] = empty
        update, planned = _timed(lambda: update_for(_workload()))
    _, alone = _timed(lambda: compile_step(_workload(), update.plan, quick=False))
    row = {
        "step": _STEP.value,
        "memory": _MEMORY.value,
        "plan": None if update.plan is None else str(update.plan),
        "with_the_planner": planned,
        "without": alone,
        "added": {name: planned[name] - alone[name] for name in planned},
    }
    print(json.dumps(row))


def _workload() -> Workload:
    """The stage as a start finds it, with nothing traced."""
    stage, _, file = _STEP.value.partition("/")
    run = build_method.computable_here(config.parse(load_config(file)))
    run = dataclasses.replace(run, memory=f"auto:{_MEMORY.value}")
    return build_method.stage_workload(run, stage)


def _timed(action: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What an action gives, and what it took; CPU seconds are those of all threads."""
    began, used = time.monotonic(), time.process_time()
    given = action()
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    return given, {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}


if __name__ == "__main__":
    cli.run(main)
