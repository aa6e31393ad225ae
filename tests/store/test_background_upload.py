"""Training beside a store that never answers: nothing in its loop waits for it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

from jaxfake.checkpoints.manager import CheckpointFolder
from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.store import mirrored_run, object_names
from jaxfake.store.background_upload import Timing
from jaxfake.store.mirrored_run import mirrored
from jaxfake.store.object_store import ObjectStore, StoreError
from jaxfake.store.upload_queue import UploadQueue
from tests.processes import FOREVER, PATIENCE
from tests.store.runs import RUN, RecordingStore, begin, complete_steps

METADATA = CheckpointMetadata(
    RunIdentity("c" * 64, "recover", "fresh", "d" * 64, "", 7, 8, "f" * 16), None, WallTime()
)
EAGER = Timing(poll=0.01, files=0.01, connect=FOREVER, stall=FOREVER, patience=FOREVER)


class HangingStore(ObjectStore):
    """A store that answers no request of the uploading thread until it is let go.

    Attributes:
        asked: a request is waiting.
        answers: set to let all requests through.
        training: the thread that trains asks for nothing.
    """

    def __init__(self, url: str, stall_seconds: float) -> None:
        super().__init__(url, stall_seconds)
        self.asked, self.answers = threading.Event(), threading.Event()
        self.training = False

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        assert not (self.training and threading.current_thread() is threading.main_thread())
        if threading.current_thread() is not threading.main_thread():
            self.asked.set()
            assert self.answers.wait(PATIENCE), "it hangs"
        return super()._call(method, *args, **options)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], HangingStore]]:
    """Gives the store of a mirrored run, which hangs."""
    made: list[HangingStore] = []

    def make(url: str, stall_seconds: float) -> HangingStore:
        made.append(HangingStore(url, stall_seconds))
        return made[-1]

    monkeypatch.setattr(mirrored_run, "ObjectStore", make)
    yield lambda: made[0]
    for store in made:
        store.answers.set()


def test_no_save_waits_for_a_store_that_never_answers(
    url: str, tmp_path: Path, hanging: Callable[[], HangingStore]
) -> None:
    begin(tmp_path)
    with mirrored(tmp_path, url, RUN, EAGER):
        store = hanging()
        store.training = True
        checkpoints = CheckpointFolder(tmp_path / "checkpoints" / "recover", 1, print)
        for step in range(1, 5):
            # Each save waits for the one before it, and retention deletes what is being uploaded.
            checkpoints.save(step, {"kernel": jnp.full((8,), step)}, METADATA)
            checkpoints.wait()
            assert store.asked.wait(PATIENCE), "nothing is uploaded"
        checkpoints.close()
        assert not store.answers.is_set()
        assert checkpoints.latest() == 4
        store.training = False
        store.answers.set()
    assert "recover 4" in complete_steps(url)


def test_a_file_is_read_once_however_often_its_upload_fails(
    url: str, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = object_names.sha256

    def counting(path: Path) -> str:
        read.append(str(path.relative_to(path.parents[3])))
        return digest(path)

    monkeypatch.setattr(object_names, "sha256", counting)
    store = RecordingStore(url)
    queue = UploadQueue(workdir, store, RUN, frozenset())
    failures = 0
    while queue.pending():
        store.fail_at = store.calls + 4
        try:
            queue.upload_new(include_files=True)
        except StoreError:
            failures += 1
    assert failures > 5
    assert len(read) == 9
