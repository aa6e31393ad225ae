"""Two machines and one place in a store: one run gets it, and one machine writes there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.store.claim import CLAIM, Claim, ClaimDeleted
from jaxfake.store.mirrored_run import mirrored
from jaxfake.store.object_store import ObjectStore, StoreError
from jaxfake.store.upload_queue import UploadQueue
from tests.processes import FOREVER
from tests.store.runs import OTHER, RUN, RecordingStore, begin, complete_steps, save, write

OTHERS_CLAIM = b'{"config": "decaf", "machine": "other"}'


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The folder of another run."""
    begin(tmp_path / "other", OTHER)
    save(tmp_path / "other", "recover", 5, "of the other run")
    return tmp_path / "other"


class SlowStore(RecordingStore):
    """A store in which something happens before the request number `at`."""

    def __init__(self, url: str, at: int, happens: Callable[[], object]) -> None:
        super().__init__(url)
        self._at, self._happens = at, happens

    def _call(self, method: str, *args: object, **options: object) -> object:
        if self.calls == self._at:
            self._at = -1
            self._happens()
        return super()._call(method, *args, **options)


def uploads(queue: UploadQueue) -> bool:
    """Whether a run gets the place; it is told if it does not."""
    try:
        queue.upload_new(include_files=True)
    except InputError as error:
        if "another run" not in str(error):
            raise
        return False
    return True


def test_of_two_runs_that_begin_at_the_same_time_one_gets_the_place(
    url: str, workdir: Path, other: Path
) -> None:
    for instant in range(40):
        place = f"{url}/{instant}"
        winners = []

        def other_begins() -> None:
            queue = UploadQueue(other, ObjectStore(place, FOREVER), OTHER, frozenset())  # noqa: B023
            winners.extend([OTHER] if uploads(queue) else [])  # noqa: B023

        ours = UploadQueue(workdir, SlowStore(place, instant, other_begins), RUN, frozenset())
        winners += [RUN] if uploads(ours) else []
        (winner,) = winners
        steps = {"recover 5"} if winner is OTHER else {"recover 5", "recover 10", "detect 3"}
        assert complete_steps(place) == steps


def test_a_claim_that_is_written_over_is_noticed_before_the_next_upload(
    url: str, workdir: Path
) -> None:
    """As two runs can do in a store that cannot write in one step."""
    plain = ObjectStore(url, FOREVER)
    store = RecordingStore(url)

    def written_over(name: str) -> None:
        if name.endswith("arrays"):
            plain.put_bytes(OTHERS_CLAIM, CLAIM)

    store.before = written_over
    queue = UploadQueue(workdir, store, RUN, frozenset())
    with pytest.raises(InputError, match="belongs to another run"):
        queue.upload_new(include_files=True)
    uploaded = [name for name in store.changed if name != CLAIM]
    assert [name.rpartition("/")[2] for name in uploaded].count("arrays") == 1
    assert uploaded[-1].endswith("arrays")
    assert complete_steps(url) == set()


def test_a_second_machine_with_the_same_run_takes_over_and_the_first_stops(
    url: str, workdir: Path
) -> None:
    first = UploadQueue(workdir, ObjectStore(url, FOREVER), RUN, frozenset())
    first.upload_new(include_files=True)
    second = UploadQueue(workdir, ObjectStore(url, FOREVER), RUN, frozenset())
    second.inspect()
    save(workdir, "recover", 15)
    with pytest.raises(InputError, match="taken over by another machine"):
        first.upload_new(include_files=True)
    assert "recover 15" not in complete_steps(url)
    second.upload_new(include_files=True)
    assert "recover 15" in complete_steps(url)


def test_a_run_whose_place_is_lost_goes_on_and_ends_with_an_error(
    url: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def job() -> None:
        ObjectStore(url, FOREVER).put_bytes(OTHERS_CLAIM, CLAIM)
        save(workdir, "recover", 15)
        write(workdir / "DONE", "all went well")

    with (
        pytest.raises(InputError, match=r"the run is done.*belongs to another run"),
        mirrored(workdir, url, RUN),
    ):
        job()
    said = capsys.readouterr().out
    assert said.count("belongs to another run") == 1
    assert "Training goes on" in said
    assert (workdir / "DONE").read_text() == "all went well"


def test_a_run_whose_place_is_anothers_does_not_begin(url: str, tmp_path: Path) -> None:
    ObjectStore(url, FOREVER).put_bytes(OTHERS_CLAIM, CLAIM)
    with pytest.raises(InputError, match="belongs to another run"), mirrored(tmp_path, url, RUN):
        raise AssertionError("it began")


def test_a_place_that_is_emptied_is_filled_again(url: str, workdir: Path) -> None:
    store = ObjectStore(url, FOREVER)
    queue = UploadQueue(workdir, store, RUN, frozenset())
    queue.upload_new(include_files=True)
    before = complete_steps(url)
    for name in store.names():
        store.delete(name)
    save(workdir, "recover", 15)
    with pytest.raises(ClaimDeleted):
        queue.upload_new(include_files=True)
    queue.upload_new(include_files=True)
    assert complete_steps(url) == before | {"recover 15"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"x" * 5000, b"[" * 4000])
def test_a_damaged_claim_is_a_failure_of_the_store(content: bytes, url: str) -> None:
    store = ObjectStore(url, FOREVER)
    store.put_bytes(content, CLAIM)
    with pytest.raises(StoreError, match=r"\.claim\.json"):
        Claim(store, RUN).take()


def test_in_a_folder_too_only_the_first_creates(tmp_path: Path) -> None:
    stores = [ObjectStore(f"file://{tmp_path}/runs/a", FOREVER) for _ in range(2)]
    for store, content in zip(stores, (b"first", b"second"), strict=True):
        store.create("name", content)
    assert stores[0].read_small("name", 100) == b"first"
