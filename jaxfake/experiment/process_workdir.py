"""The folder that one of several processes of a run works in."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.multiprocess import is_first, wait_for_all


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
            if there.exists():
                shutil.copy(there, here)
        wait_for_all("workdir")
        yield own.path
