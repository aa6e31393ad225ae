"""The memory plan of a config: what it would do on this machine, and on cards that one can rent.

    python -m jaxfake.plan --config=configs/mover.py:ffpp [--memory=24GiB] [--host_memory=64GiB] [--json]

For each stage: the plan that is predicted to be fastest within the memory, the runners-up, the smallest
memory that would do, the largest batch, and what each of a list of cards would give. Nothing is trained:
bytes come from compiling ahead of time on this machine, seconds from data sheets, and both are
predictions. A plan is used with --config.memory='PLAN' of the main command; 'auto' there finds one itself.
"""

import json
from pathlib import Path

from absl import flags

from jaxfake.runtime import cli, config_flag
from jaxfake.runtime.path_flags import define_path

_CONFIG = config_flag.define_config(None, "Config file, such as configs/mover.py:ffpp.")
_MEMORY = flags.DEFINE_string(
    "memory", None, "Of a device, such as 24GiB; by default what this machine's device has."
)
_HOST_MEMORY = flags.DEFINE_string(
    "host_memory", None, "Of the host, such as 64GiB; by default what this machine has."
)
_CARD = flags.DEFINE_string("card", None, "Plan for a card of the list, such as 'T4 16 GB'.")
_TIMELINES = define_path("timelines", None, "Folder for pictures of the simulated timelines.")
_JSON = flags.DEFINE_bool("json", False, "Print one line of JSON instead of tables.")


def main() -> None:
    """Flags in, one call, tables out."""
    config_flag.config_file()
    # These take seconds to import; --help and a mistyped flag should not.
    from jaxfake import config
    from jaxfake.experiment import memory_plan
    from jaxfake.runtime.devices import check_devices
    from jaxfake.runtime.progress import say
    from jaxfake.train.compile_cache import keep_compiled_programs

    check_devices()
    keep_compiled_programs()
    wanted = memory_plan.Wanted(_MEMORY.value, _HOST_MEMORY.value, _CARD.value)
    stages = list(memory_plan.stage_plans(config.parse(_CONFIG.value), wanted))
    if _TIMELINES.value:
        memory_plan.draw(stages, Path(_TIMELINES.value))
    if _JSON.value:
        say(json.dumps([stage.values for stage in stages]))
    else:
        say("\n\n".join(map(memory_plan.table, stages)))


if __name__ == "__main__":
    cli.run(main)
