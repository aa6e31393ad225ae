"""An empty store in memory, and the folder of a run."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.store.runs import begin, save, write


@pytest.fixture
def url() -> Iterator[str]:
    """URL of an empty store in memory."""
    url = f"memory://{uuid.uuid4().hex}"
    yield url
    memory = fsspec.filesystem("memory")
    if memory.exists(url):
        memory.rm(url, recursive=True)


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """Two stages, three checkpoints, some results."""
    workdir = tmp_path / "run"
    save(workdir, "recover", 5)
    save(workdir, "recover", 10)
    save(workdir, "detect", 3)
    begin(workdir)
    write(workdir / "eval" / "tiny" / "scores.csv", "0.5")
    write(workdir / "DONE", "all went well")
    return workdir
