"""What else lies in a bucket, or is made to harm: it is passed over by name, and the run is fetched."""

import errno
import os
from pathlib import Path

import pytest

from jaxfake.store import object_names
from jaxfake.store.download import download
from jaxfake.store.object_names import Step
from jaxfake.store.object_store import ObjectStore
from jaxfake.store.upload_queue import UploadQueue
from tests.processes import FOREVER
from tests.store.runs import RUN, FlatStore, complete_steps, tree, upload_all, write

STRAYS = {
    "eval/" + "a" * 256 + ".csv": "no file can have this name",
    "eval/" + "ä" * 128 + ".csv": "no file can have this name",
    "notes//a": "no file can have this name",
    "eval/tiny": "there are others below it",
    "DONE/a": "DONE is a file and not a folder",
    "config.json/old/a": "config.json is a file and not a folder",
}
"""Keys that no run has written, and what is said of each."""


def test_strays_of_a_bucket_are_passed_over_by_name(
    workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = FlatStore()
    UploadQueue(workdir, store, RUN, frozenset()).upload_new(include_files=True)
    for name in STRAYS:
        store.put_bytes(b"stray", name)
    new = tmp_path / "new"
    assert len(download(store, new, RUN).steps) == 3
    assert tree(new) == tree(workdir)
    told = capsys.readouterr().out
    for name, said in STRAYS.items():
        assert f"an object named {name[:80]!r} is passed over: {said}" in told


def test_a_name_that_this_disk_does_not_take_is_passed_over(
    url: str, workdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workdir / "eval" / "odd?name", "x")
    upload_all(url, workdir)
    replace = Path.replace

    def choosy(path: Path, target: Path) -> Path:
        if "?" in target.name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", choosy)
    download(ObjectStore(url, FOREVER), tmp_path / "new", RUN)
    assert tree(workdir).keys() - tree(tmp_path / "new").keys() == {"eval/odd?name"}


@pytest.mark.parametrize("size", ["Infinity", "1e400", "NaN", "9" * 5000, "-1", "[]"])
def test_a_marker_with_an_impossible_size_is_a_damaged_checkpoint(
    size: str, url: str, workdir: Path, tmp_path: Path
) -> None:
    upload_all(url, workdir)
    marker = f'{{"files": {{"a": {{"size": {size}, "sha256": "0"}}}}}}'.encode()
    store = ObjectStore(url, FOREVER)
    store.put_bytes(marker, "checkpoints/recover/10.complete.json")
    store.put_bytes(marker, "checkpoints/else/1.complete.json")  # no stage of a run
    assert download(store, tmp_path / "new", RUN).damaged == {Step("recover", 10)}
    queue = UploadQueue(workdir, store, RUN, frozenset())
    queue.upload_new(include_files=False)
    assert "recover 10" in complete_steps(url, "recover", "detect")


def test_one_name_as_a_file_and_a_folder_in_a_marker_is_a_damaged_checkpoint(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    upload_all(url, workdir)
    files = {name: object_names.FileInfo(1, "0") for name in ("state", "state/d/arrays")}
    store = ObjectStore(url, FOREVER)
    store.put_bytes(object_names.to_json(files), "checkpoints/recover/10.complete.json")
    assert download(store, tmp_path / "new", RUN).damaged == {Step("recover", 10)}


def test_a_huge_stray_does_not_count_as_needed_space(
    workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = FlatStore()
    UploadQueue(workdir, store, RUN, frozenset()).upload_new(include_files=True)
    store.claimed = {"backup.tar": 1 << 60, "checkpoints/recover/77/old": 1 << 60}
    assert len(download(store, tmp_path / "new", RUN).steps) == 3
    assert (
        "'backup.tar' is passed over: it has 1152921504606846976 bytes" in capsys.readouterr().out
    )
