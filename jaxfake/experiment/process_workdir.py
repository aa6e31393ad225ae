"""The folder that a process of a run works in, alone; and one of its own for each of several."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxfake.experiment.run_config import set_damaged_aside
from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.lease import holding
from jaxfake.runtime.multiprocess import is_first, wait_for_all


@contextmanager
def alone_in(workdir: Path, process: int = 0) -> Iterator[None]:
    """Inside, no other run works in the folder, from this machine or another.

    Each process of a run holds a lease of its own, so that the second start of one is refused before it
    meets, and disturbs, the processes of the first. A finished run on a disk that cannot be written to
    needs none. A damaged `config.json` is set aside.

    Raises:
        InputError: another run is at work there.
    """
    run = RunFolder(workdir)
    if run.done.exists() and not os.access(workdir, os.W_OK):
        yield
        return
    with holding(run.lease(process), "a run"):
        if process == 0:
            set_damaged_aside(run)
        yield


@contextmanager
def process_workdir(workdir: Path) -> Iterator[Path]:
    """The run's own folder for the first process, a temporary one for each of the others.

    All processes compute the same, and only the first one's files are kept. The others see the run's
    config, its DONE file if there is one, and a link to its checkpoints.
    """
    run = RunFolder(workdir)
    if is_first():
        run.checkpoints.mkdir(parents=True, exist_ok=True)
    wait_for_all("folder")
    if is_first():
        wait_for_all("workdir")
        yield workdir
        return
    with tempfile.TemporaryDirectory() as name:
        own = RunFolder(Path(name) / workdir.name)
        own.path.mkdir()
        own.checkpoints.symlink_to(run.checkpoints.resolve())
        for there, here in ((run.config, own.config), (run.done, own.done)):
            if there.is_file():
                shutil.copy(there, here)
        wait_for_all("workdir")
        yield own.path
