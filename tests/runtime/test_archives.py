"""Archives by others: what is in them arrives; what would do harm is refused before a byte is written."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jaxfake.runtime import archives as unpacking
from jaxfake.runtime.archives import unpack
from jaxfake.runtime.errors import InputError

ROOM = 1000
FILES = {"run/config.json": b"{}", "run/checkpoints/detect/4/d/0": bytes(range(200))}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """A .zip of some files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    """A .tar of some files."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _strange_zip(path: Path, kind: int) -> Path:
    info = zipfile.ZipInfo("run/strange")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("run/config.json", "{}")
        archive.writestr(info, "/etc/passwd")
    return path


def _strange_tar(path: Path, kind: bytes) -> Path:
    info = tarfile.TarInfo("run/strange")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("run/config.json"))
        archive.addfile(info)
    return path


def _refused(archive: Path, said: str, room: int = ROOM) -> None:
    """The archive is refused, and nothing of it was written."""
    into = archive.parent / "into"
    into.mkdir()
    with pytest.raises(InputError, match=said):
        unpack(archive, into, room)
    assert list(into.iterdir()) == []
    assert {path.name for path in archive.parent.iterdir()} == {archive.name, "into"}


@pytest.mark.parametrize("make", [zipped, tarred])
def test_what_is_in_an_archive_arrives(make: Callable[..., Path], tmp_path: Path) -> None:
    archive = make(tmp_path / "run.archive", FILES)
    (tmp_path / "into").mkdir()
    unpack(archive, tmp_path / "into", sum(map(len, FILES.values())))
    got = {path for path in (tmp_path / "into").rglob("*") if path.is_file()}
    assert {str(p.relative_to(tmp_path / "into")): p.read_bytes() for p in got} == FILES


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("name", ["/tmp/absolute", "../beside", "run/../../beside", ".."])
def test_a_file_that_would_lie_elsewhere_is_refused(
    make: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    _refused(
        make(tmp_path / "a", {"run/config.json": b"{}", name: b"x"}), "would lie outside the folder"
    )


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO])
def test_a_strange_file_in_a_zip_is_refused(kind: int, tmp_path: Path) -> None:
    _refused(_strange_zip(tmp_path / "a.zip", kind), "neither a plain file nor a folder")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_strange_file_in_a_tar_is_refused(kind: bytes, tmp_path: Path) -> None:
    _refused(_strange_tar(tmp_path / "a.tar", kind), "neither a plain file nor a folder")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_more_than_there_is_room_for_is_refused(make: Callable[..., Path], tmp_path: Path) -> None:
    bomb = make(tmp_path / "a", {"run/config.json": b"{}", "run/zeros": bytes(ROOM)})
    _refused(bomb, r"2 files of 1002 bytes, where .* 1000 bytes are allowed")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_too_many_files_are_refused(
    make: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MOST_FILES", 2)
    _refused(make(tmp_path / "a", {str(n): b"" for n in range(3)}), "3 files of 0 bytes")


def test_a_zip_that_lies_about_its_sizes_writes_no_more_than_it_said(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"zeros": bytes(5 * ROOM)})
    honest = (5 * ROOM).to_bytes(4, "little")
    data = archive.read_bytes()
    assert data.count(honest) == 2
    archive.write_bytes(data.replace(honest, (10).to_bytes(4, "little")))
    (tmp_path / "into").mkdir()
    with pytest.raises(InputError, match="damaged"):
        unpack(archive, tmp_path / "into", ROOM)
    assert sum(path.stat().st_size for path in (tmp_path / "into").rglob("*")) <= 10


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {"noise": bytes(range(256))})
    data = bytearray(whole.read_bytes())
    data[100] ^= 1  # in the file's content
    whole.write_bytes(data)
    short = tarred(tmp_path / "a.tar", FILES)
    short.write_bytes(short.read_bytes()[:1700])
    for archive in (whole, short):
        (tmp_path / f"into_{archive.suffix}").mkdir()
        with pytest.raises(InputError, match="is damaged"):
            unpack(archive, tmp_path / f"into_{archive.suffix}", ROOM)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("config.json"))
    (tmp_path / "into").mkdir()
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(tmp_path / "a.tar", tmp_path / "into", ROOM)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>" * 100)
    _refused(tmp_path / "a.zip", r"neither a \.zip nor an uncompressed \.tar")
