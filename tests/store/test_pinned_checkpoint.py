"""A checkpoint that is uploaded while retention deletes it."""

import os
import shutil
from pathlib import Path

import pytest

from jaxfake.store.pinned_checkpoint import pinned


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints" / "5"
    (folder / "state" / "d").mkdir(parents=True)
    (folder / "state" / "d" / "0").write_bytes(b"arrays")
    (folder / "meta").write_bytes(b"{}")
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_what_is_deleted_meanwhile_is_still_there_to_be_uploaded(
    checkpoint: Path, tmp_path: Path
) -> None:
    before = _files(checkpoint)
    with pinned(checkpoint, tmp_path / "scratch") as folder:
        shutil.rmtree(checkpoint)
        assert folder is not None
        assert _files(folder) == before
    assert not (tmp_path / "scratch").exists()


def test_what_is_deleted_before_is_not_held(checkpoint: Path, tmp_path: Path) -> None:
    shutil.rmtree(checkpoint)
    with pinned(checkpoint, tmp_path / "scratch") as folder:
        assert folder is None


def test_half_of_what_is_deleted_just_then_is_not_held(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(source: Path, target: Path) -> None:
        link(source, target)
        shutil.rmtree(checkpoint)

    monkeypatch.setattr(os, "link", late)
    with pinned(checkpoint, tmp_path / "scratch") as folder:
        assert folder is None


def test_a_disk_without_links_is_read_from_directly(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuses)
    with pinned(checkpoint, tmp_path / "scratch") as folder:
        assert folder == checkpoint
    assert len(_files(checkpoint)) == 2
