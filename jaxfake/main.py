"""Trains, evaluates and reports: the main job.

    python -m jaxfake.main --config=configs/mover.py [--workdir=DIR] [--store=URL] [--config.KEY=VALUE ...]

The same command again goes on wherever the run was stopped; once it is done, it says so and does
nothing. A config file may offer variants: --config=configs/mover.py:VARIANT.
"""

from jaxfake.runtime import standard_streams
from jaxfake.runtime.preemption import GRACE_SECONDS, preemption
from jaxfake.runtime.processes import environment

if __name__ == "__main__":
    environment.use_huge_pages()
    standard_streams.outlive()
    preemption.listen()  # the imports take a second, in which a stop may be requested too

from pathlib import Path

from absl import flags

from jaxfake.runtime import cli, config_flag
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from jaxfake.runtime.processes import supervisor

_CONFIG = config_flag.define_config(
    None, "Config file, and what to change in it: --config.recover.steps=100"
)
_WORKDIR = define_path(
    "workdir", None, "Folder of the run; by default runs/CONFIG_VARIANT below the current folder."
)

_GRACE = flags.DEFINE_float(
    "grace", GRACE_SECONDS, "Most seconds from being asked to stop to exit code 75.", 1.0
)
_NOTICE_FILE = define_path("notice_file", None, "Stop, as by SIGTERM, once this exists.")
_STORE = define_path(
    "store",
    None,
    "Where the run's folder is kept off this machine too, such as s3://bucket/runs/mover: fetched from "
    "there first, uploaded in the background. Credentials and endpoint as the library finds them.",
)
_NOTICE_COMMAND = flags.DEFINE_string(
    "notice_command",
    None,
    "Stop, as by SIGTERM, once this shell command ends with 0; asked every 5 s, such as "
    "'curl -sf -m 3 URL' where a cloud announces that it takes the machine back.",
)


_COORDINATOR = flags.DEFINE_string(
    "coordinator",
    None,
    "HOST:PORT of the first of several processes, which share the workdir and train one run.",
)
_PROCESSES = flags.DEFINE_integer("processes", 1, "How many there are.", 1)
_PROCESS = flags.DEFINE_integer("process", 0, "Which of them this is, from 0.", 0)


def _flags_of_processes_are_complete() -> bool:
    """Whether the flags of several processes are all there, or none of them."""
    if _PROCESSES.value == 1:
        return not _COORDINATOR.value and _PROCESS.value == 0
    host, _, port = (_COORDINATOR.value or "").rpartition(":")
    return bool(host) and port.isdecimal() and _PROCESS.value < _PROCESSES.value


def main() -> int | None:
    """Flags in, one call, exit code out."""
    preemption.set_grace(_GRACE.value)
    if not _flags_of_processes_are_complete():
        raise InputError(
            "several processes need --coordinator=HOST:PORT, --processes=N and each its own "
            "--process=0 to N-1"
        )
    if _PROCESSES.value > 1 and not supervisor.is_child():
        return supervisor.watch_child()
    preemption.poll(_NOTICE_FILE.value, _NOTICE_COMMAND.value)
    file, variant = config_flag.config_file()
    # What is wrong with the config or the devices is said before the imports that take seconds.
    from jaxfake import config
    from jaxfake.runtime.devices import check_devices

    run = config.parse(_CONFIG.value)
    if not _COORDINATOR.value:
        check_devices()
    from jaxfake.experiment import job
    from jaxfake.experiment.process_workdir import alone_in, process_workdir
    from jaxfake.experiment.run_config import command_identity
    from jaxfake.runtime import multiprocess
    from jaxfake.store.mirrored_run import mirrored

    workdir = Path("runs") / "_".join(filter(None, (file.stem, variant)))
    workdir = Path(_WORKDIR.value or workdir)
    cli.set_output_folder(workdir)
    store = mirrored(workdir, _STORE.value, command_identity(run))
    if not _COORDINATOR.value:
        with alone_in(workdir), store:
            job.run_job(run, workdir, stored=bool(_STORE.value))
        return None
    group = multiprocess.ProcessGroup(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
    with (
        alone_in(workdir, group.index),
        multiprocess.connected(group),
        multiprocess.only_in_first(store),
        process_workdir(workdir) as own_workdir,
    ):
        job.run_job(run, own_workdir, stored=bool(_STORE.value))
    return None


if __name__ == "__main__":
    cli.run(main)
