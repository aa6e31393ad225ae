"""A run's folder and its store, as files and objects: what is uploaded, in which order, and trusted."""

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.store import object_names
from jaxfake.store.download import download
from jaxfake.store.mirrored_run import mirrored
from jaxfake.store.object_names import Step
from jaxfake.store.object_store import ObjectStore, StoreError
from jaxfake.store.upload_queue import UploadQueue
from tests.processes import FOREVER
from tests.store.runs import (
    OTHER,
    RUN,
    RecordingStore,
    begin,
    complete_steps,
    save,
    tree,
    upload_all,
    write,
)


def test_the_newest_checkpoint_is_uploaded_first_then_its_marker_and_done_last(
    url: str, workdir: Path
) -> None:
    write(workdir / ".scratch", "")
    write(workdir / "prepared" / "faces", "")
    write(workdir / "checkpoints" / "damaged" / "recover-7" / "file", "")
    save(workdir, "recover", 11)
    (workdir / "checkpoints/recover/11").rename(
        workdir / "checkpoints/recover/11.orbax-checkpoint-tmp"
    )
    store = RecordingStore(url)
    UploadQueue(workdir, store, RUN, frozenset()).upload_new(include_files=True)
    folders = [name.rpartition("/state")[0] for name in store.changed if name.endswith("/empty")]
    assert folders == [f"checkpoints/{one}" for one in ("detect/3", "recover/10", "recover/5")]
    for folder in folders:
        marker = store.changed.index(f"{folder}.complete.json")
        files = [i for i, name in enumerate(store.changed) if name.startswith(f"{folder}/")]
        assert len(files) == 3
        assert max(files) < marker
        assert store.changed.index("metrics.jsonl") < marker  # what was measured up to there
    assert store.changed[-1] == "DONE"
    assert not any(word in name for name in store.changed for word in ("tmp", "scratch", "damaged"))
    assert not any("prepared" in name for name in store.changed)


def test_killed_at_any_request_markers_stay_true_and_the_next_upload_completes(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    upload_all(url, workdir)
    begun = shutil.copytree(workdir, tmp_path / "begun")
    for retired in ("recover/5", "recover/10"):
        shutil.rmtree(workdir / "checkpoints" / retired)
    save(workdir, "recover", 10, "trained again, with another content")
    save(workdir, "recover", 15)
    died = 0
    while True:
        fresh = f"{url}/{died}"
        upload_all(fresh, begun)
        store = RecordingStore(fresh, fail_at=died)
        queue = UploadQueue(workdir, store, RUN, frozenset())
        try:
            queue.upload_new(include_files=True)
            break
        except StoreError:
            died += 1
        assert {"recover 10", "recover 15"} & complete_steps(fresh)
        queue.upload_new(include_files=True)
        assert complete_steps(fresh) == {"detect 3", "recover 10", "recover 15"}
    assert died > 20


def test_what_retention_deleted_here_stays_in_the_store_until_the_newest_is_uploaded(
    url: str, workdir: Path
) -> None:
    upload_all(url, workdir)
    shutil.rmtree(workdir / "checkpoints/recover/5")
    shutil.rmtree(workdir / "checkpoints/recover/10")
    save(workdir, "recover", 15)
    store = RecordingStore(url)
    store.before = lambda name: "recover/15" in name and complete_steps(url)
    UploadQueue(workdir, store, RUN, frozenset()).upload_new(include_files=False)
    arrived = store.changed.index("checkpoints/recover/15.complete.json")
    deleted = [i for i, name in enumerate(store.changed) if name.startswith("-")]
    assert len(deleted) == 8
    assert min(deleted) > arrived
    assert complete_steps(url) == {"detect 3", "recover 15"}
    assert not any("recover/10" in name for name in store.names())


def test_the_last_checkpoint_in_the_store_stays_though_a_newer_one_was_just_saved(
    url: str, workdir: Path
) -> None:
    store = RecordingStore(url)

    def retire(name: str) -> None:
        if name == "DONE":  # the last to be uploaded
            shutil.rmtree(workdir / "checkpoints/recover/10")
            save(workdir, "recover", 15)

    store.before = retire
    queue = UploadQueue(workdir, store, RUN, frozenset())
    queue.upload_new(include_files=True)
    assert "recover 10" in complete_steps(url)
    queue.upload_new(include_files=False)
    assert complete_steps(url) == {"detect 3", "recover 5", "recover 15"}


def test_a_checkpoint_that_retention_deletes_during_its_upload_is_uploaded_completely(
    url: str, workdir: Path
) -> None:
    store = RecordingStore(url)

    def retire(name: str) -> None:
        if "recover/10/" in name:
            shutil.rmtree(workdir / "checkpoints/recover/10", ignore_errors=True)
            if not (workdir / "checkpoints/recover/12").exists():
                save(workdir, "recover", 12)

    store.before = retire
    UploadQueue(workdir, store, RUN, frozenset()).upload_new(include_files=True)
    markers = [name for name in store.changed if name.endswith("complete.json")]
    assert markers == [
        "checkpoints/detect/3.complete.json",
        "checkpoints/recover/10.complete.json",
        "checkpoints/recover/12.complete.json",
        "checkpoints/recover/5.complete.json",
        "-checkpoints/recover/10.complete.json",
    ]
    assert complete_steps(url) == {"detect 3", "recover 5", "recover 12"}
    assert not (workdir / ".mirror").exists()


def test_a_score_that_is_added_later_is_uploaded_and_nothing_else(url: str, workdir: Path) -> None:
    upload_all(url, workdir)
    write(workdir / "checkpoints/recover/10/score.json", "0.9")
    store = RecordingStore(url)
    queue = UploadQueue(workdir, store, RUN, frozenset())
    queue.upload_new(include_files=False)
    there = [name for name in store.changed if name.startswith("checkpoints")]
    assert there == ["checkpoints/recover/10/score.json", "checkpoints/recover/10.complete.json"]
    assert "recover 10" in complete_steps(url)


def test_an_empty_machine_downloads_the_whole_run(url: str, workdir: Path, tmp_path: Path) -> None:
    upload_all(url, workdir)
    downloaded = download(ObjectStore(url, FOREVER), tmp_path / "new", RUN)
    assert len(downloaded.steps) == 3
    assert tree(tmp_path / "new") == tree(workdir)


def test_a_damaged_checkpoint_is_named_skipped_and_replaced(
    url: str, workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upload_all(url, workdir)
    ObjectStore(url, FOREVER).put_bytes(
        b"notes of 11 ", "checkpoints/recover/10/meta/metadata"
    )  # as long
    new = tmp_path / "new"
    downloaded = download(ObjectStore(url, FOREVER), new, RUN)
    assert "recover/10 is damaged (meta/metadata differs" in capsys.readouterr().out
    assert Step("recover", 5) in downloaded.steps
    assert not (new / "checkpoints/recover/10").exists()
    save(new, "recover", 10)
    queue = UploadQueue(new, ObjectStore(url, FOREVER), RUN, downloaded.damaged)
    queue.upload_new(include_files=False)
    assert complete_steps(url) == {"detect 3", "recover 5", "recover 10"}


def test_an_incomplete_checkpoint_is_not_downloaded(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    upload_all(url, workdir)
    for name in ("recover/10/state/d/arrays", "recover/5/meta/metadata", "detect/3.complete.json"):
        ObjectStore(url, FOREVER).delete(f"checkpoints/{name}")
    with pytest.raises(InputError, match="every checkpoint of recover in memory:"):
        download(ObjectStore(url, FOREVER), tmp_path / "new", RUN)
    assert not list((tmp_path / "new" / "checkpoints").rglob("[0-9]*"))


@pytest.mark.parametrize("name", ["../../../evil", "/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_names_outside_the_folder_are_refused(
    name: str, url: str, workdir: Path, tmp_path: Path
) -> None:
    upload_all(url, workdir)
    store = ObjectStore(url, FOREVER)
    evil = object_names.to_json({name: object_names.FileInfo(1, hashlib.sha256(b"x").hexdigest())})
    store.put_bytes(evil, "checkpoints/recover/10.complete.json")
    store.put_bytes(b"x", f"checkpoints/recover/10/{name}")
    store.put_bytes(b"x", "eval\\..\\..\\evil")
    new = tmp_path / "below" / "new"
    assert Step("recover", 10) in download(store, new, RUN).damaged
    assert not list(tmp_path.rglob("*evil*"))


def test_the_steps_of_a_store_that_is_ahead_are_downloaded(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    behind = shutil.copytree(workdir, tmp_path / "behind")
    (behind / "DONE").unlink()
    write(workdir / "metrics.jsonl", "{}\n{}\n")
    save(workdir, "detect", 6)
    upload_all(url, workdir)
    assert download(ObjectStore(url, FOREVER), behind, RUN).steps == [Step("detect", 6)]
    assert tree(behind) == tree(workdir)
    save(behind, "detect", 9)
    (behind / "DONE").unlink()
    assert download(ObjectStore(url, FOREVER), behind, RUN).steps == []
    assert not (behind / "DONE").exists()


def test_an_interrupted_download_is_completed_by_the_next_one(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    behind = shutil.copytree(workdir, tmp_path / "behind")
    (behind / "DONE").unlink()
    write(workdir / "metrics.jsonl", "{}\n{}\n")
    for stage, step in (("recover", 8), ("recover", 20), ("detect", 6)):
        save(workdir, stage, step)
    upload_all(url, workdir)
    calls, stopped = 0, 0
    while True:
        machine = shutil.copytree(behind, tmp_path / f"machine{calls}")
        try:
            download(RecordingStore(url, fail_at=calls), machine, RUN)
            break
        except StoreError:
            stopped += 1
        download(ObjectStore(url, FOREVER), machine, RUN)
        expected = tree(workdir) if (machine / "DONE").exists() else tree(workdir).keys() - {"DONE"}
        assert set(tree(machine)) == set(expected)
        assert (machine / "metrics.jsonl").read_text() == "{}\n{}\n"
        calls += 1
    assert stopped > 10


def test_a_store_of_another_run_is_refused(url: str, workdir: Path, tmp_path: Path) -> None:
    upload_all(url, workdir)
    with pytest.raises(InputError, match="holds another run"):
        download(ObjectStore(url, FOREVER), tmp_path / "new", OTHER)
    assert not (tmp_path / "new").exists()
    begin(tmp_path / "other", OTHER)  # begun while the store was away
    with pytest.raises(InputError, match="holds another run"):
        UploadQueue(tmp_path / "other", ObjectStore(url, FOREVER), OTHER, frozenset()).upload_new(
            True
        )


def test_a_workdir_of_another_run_is_not_uploaded(url: str, workdir: Path) -> None:
    with mirrored(workdir, url, OTHER):
        pass  # the job refuses it
    assert ObjectStore(url, FOREVER).names() == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("runs/mover", "is not a URL"),
        ("s3://", "is not a URL"),
        ("s4://bucket/run", "s4"),
        ("s3://key:secret@bucket/run", "leave credentials to the environment"),
    ],
)
def test_an_impossible_url_is_refused_in_one_line(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        ObjectStore(url, FOREVER)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[gcs\]' -c constraints\.txt"):
        ObjectStore("gs://bucket/run", 5.0)
