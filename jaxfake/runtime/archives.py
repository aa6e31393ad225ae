"""Archives made by others, unpacked without trust: nothing outside a folder, nothing beyond a size."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from jaxfake.runtime.errors import InputError

MOST_FILES = 100_000
"""In an archive, our choice: a run has hundreds."""

_PIECE = 1 << 20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError)
_UNREADABLE = (
    RuntimeError,
    NotImplementedError,
)  # a zip with a password, or packed in some rare way


class _Member(NamedTuple):
    """A file or folder of an archive."""

    name: str
    kind: int  # as of `stat.S_IFMT`
    size: int  # bytes, unpacked
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, into: Path, most_bytes: int) -> None:
    """Writes the files of a .zip or .tar archive (a .tar that is not compressed) below a folder.

    The whole list of its files is judged before the first is written. Owners and permissions are not
    taken over.

    Args:
        archive: the file.
        into: an empty folder.
        most_bytes: of all its files together, unpacked.

    Raises:
        InputError: it is no such archive or damaged, too large, or has a file that is no plain file or
            would lie elsewhere.
    """
    try:
        with _opened(archive) as members:
            _judge(archive, members, most_bytes)
            for member in members:
                if member.kind == stat.S_IFREG:
                    _write(member, into / member.name)
    except _DAMAGED as error:
        raise InputError(f"{archive.name} is damaged: {error}") from error
    except (OSError, *_UNREADABLE) as error:
        raise InputError(f"{archive.name} cannot be unpacked: {error}") from error


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    # First as .tar: one that ends in a .zip would pass for a .zip too.
    try:
        tar = tarfile.open(archive, "r:")  # noqa: SIM115 (closed below; what is read inside may raise too)
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
    # The upper half is the mode where the archive was made on Unix, zero elsewhere.
    kind = stat.S_IFMT(info.external_attr >> 16) or kind
    return _Member(info.filename, kind, info.file_size, lambda: packed.open(info))


def _judge(archive: Path, members: list[_Member], most_bytes: int) -> None:
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\0" in member.name:
            raise InputError(f"{archive.name} is refused: {member.name!r} would lie elsewhere")
        if member.kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise InputError(
                f"{archive.name} is refused: {member.name!r} is neither a plain file nor a folder"
            )
    total = sum(member.size for member in members)
    if len(members) > MOST_FILES or total > most_bytes:
        raise InputError(
            f"{archive.name} is refused: {len(members)} files of {total} bytes, where {MOST_FILES} "
            f"files and {most_bytes} bytes are the most"
        )


def _write(member: _Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = member.open()
    assert source is not None  # it is a plain file
    left = member.size
    with source, target.open("xb") as file:  # x: a name that comes twice is refused
        while piece := source.read(min(_PIECE, left)):
            left -= len(piece)
            file.write(piece)
    if left:
        raise EOFError(f"{member.name!r} ends early")
