"""What all workers of a test session share: whoever needs it first makes it, and the others wait for it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.records import FILE_FORMAT
from tests.project import ROOT
from tests.tiny import TINY, TINY_CLIPS, Tiny, six_steps

ONE_DEVICE = "--xla_backend_optimization_level=0"
"""XLA_FLAGS of processes that have one device, and whose programs compile fast."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder NAME of the session, which `make` has filled in this worker or in another."""
    session = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent
    folder = session / name
    with (session / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (session / f"{name}.made").exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            (session / f"{name}.made").touch()
    return folder


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny dataset: splits train, val and test of 32-pixel pictures."""

    def make(folder: Path) -> None:
        Tiny(data_dir=folder, file_format=FILE_FORMAT).download_and_prepare()
        for split in TINY_CLIPS:
            open_split(folder, split, TINY)  # its index is made here

    return made_once(tmp_path_factory, "tiny", make)


@pytest.fixture(scope="session")
def six_step_run(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of the main command, `tests.tiny.six_steps`: to be read or copied."""

    def make(folder: Path) -> None:
        command = [sys.executable, "-m", "jaxfake.main", f"--workdir={folder}"]
        done = subprocess.run(
            [*command, *six_steps(tiny_root)],
            cwd=ROOT,
            env=os.environ | {"XLA_FLAGS": ONE_DEVICE},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "video AUC" in done.stdout

    return made_once(tmp_path_factory, "six_steps", make)
