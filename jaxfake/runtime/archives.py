"""Unpacks archives that are not trusted: nothing is written outside a folder or beyond a size."""

import dataclasses
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from jaxfake.runtime.errors import InputError

MOST_FILES = 100_000
"""The most files of an archive; our choice, a run has hundreds."""

_PIECE = 1 << 20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError)
_UNREADABLE = (RuntimeError, NotImplementedError)
"""A zip with a password, or with a rare compression."""


@dataclasses.dataclass(frozen=True)
class _Member:
    """A file or folder of an archive."""

    name: str
    kind: int  # see `stat.S_IFMT`
    size: int  # bytes, unpacked
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, into: Path, most_bytes: int) -> None:
    """Writes the files of a .zip or .tar archive (a .tar that is not compressed) below a folder.

    All names and sizes are checked before the first file is written. Owners and permissions are not kept.

    Args:
        archive: the file.
        into: an empty folder.
        most_bytes: the most bytes of all its files together, unpacked.

    Raises:
        InputError: it is not such an archive, is damaged or too large, or holds something that is not a
            plain file or would lie outside the folder.
    """
    try:
        with _opened(archive) as members:
            _check(archive, members, most_bytes)
            for member in members:
                if member.kind == stat.S_IFREG:
                    _write(member, into / member.name)
    except _DAMAGED as error:
        raise InputError(f"{archive.name} is damaged: {error}") from error
    except (OSError, *_UNREADABLE) as error:
        raise InputError(f"{archive.name} cannot be unpacked: {error}") from error


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    # First as .tar: one that ends with a .zip would also be accepted as a .zip.
    try:
        tar = tarfile.open(archive, "r:")  # noqa: SIM115 (closed below; reading inside may raise too)
    except tarfile.ReadError:
        if not zipfile.is_zipfile(archive):
            raise InputError(
                f"{archive.name} is neither a .zip nor an uncompressed .tar archive"
            ) from None
        with zipfile.ZipFile(archive) as packed:
            yield [_zip_member(packed, info) for info in packed.infolist()]
    else:
        with tar:
            yield [_tar_member(tar, info) for info in islice(tar, MOST_FILES + 1)]


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    kind = stat.S_IFREG if info.isreg() else stat.S_IFDIR if info.isdir() else 0
    return _Member(info.name, kind, info.size, lambda: tar.extractfile(info))


def _zip_member(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFDIR if info.is_dir() else stat.S_IFREG
    # The upper half is the file mode if the archive was made on Unix, else zero.
    kind = stat.S_IFMT(info.external_attr >> 16) or kind
    return _Member(info.filename, kind, info.file_size, lambda: packed.open(info))


def _check(archive: Path, members: list[_Member], most_bytes: int) -> None:
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\0" in member.name:
            raise InputError(
                f"{archive.name} is refused: {member.name!r} would lie outside the folder"
            )
        if member.kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise InputError(
                f"{archive.name} is refused: {member.name!r} is neither a plain file nor a folder"
            )
    total = sum(member.size for member in members)
    if len(members) > MOST_FILES or total > most_bytes:
        raise InputError(
            f"{archive.name} is refused: {len(members)} files of {total} bytes, where {MOST_FILES} "
            f"files and {most_bytes} bytes are allowed"
        )


def _write(member: _Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = member.open()
    assert source is not None  # only folders have none
    left = member.size
    with source, target.open("xb") as file:  # x: a repeated name is refused
        while piece := source.read(min(_PIECE, left)):
            left -= len(piece)
            file.write(piece)
    if left:
        raise EOFError(f"{member.name!r} ends early")
