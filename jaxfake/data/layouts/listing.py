"""What there is to prepare: the files of a source, each with what its dataset says of it."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

_SAMPLE_BYTES = 65536


class SourceFile(NamedTuple):
    """One photograph or video; or a folder of pictures, the frames of one video."""

    path: Path
    relative: str  # to the source, with '/'
    label: int
    method: str  # manipulation name; 'real' for reals
    identity: str
    video_id: str
    split: str = ""  # as the dataset has it; '' to split by identity
    mask: Path | None = None  # video (or folder) of what was touched, frame by frame
    original: Path | None = None  # the real one that it was made from, frame by frame


class Refused(NamedTuple):
    """Something in the source that is not looked at."""

    relative: str
    why: str


class Listing(NamedTuple):
    """What a source holds, in the order of the relative paths."""

    files: list[SourceFile]
    refused: list[Refused]
    others: int  # files that are neither photographs nor videos by their suffix
    label: str  # of all files, or where the labels come from
    official: Mapping[str, Mapping[str, int]] = MappingProxyType({})
    """How many videos the whole dataset has, by split and method, as its authors say."""
    missing: Sequence[Refused] = ()
    """What should be in the source by the dataset's own lists or layout, and is not."""


def content_digest(path: Path) -> str:
    """Hex digest of a file's size, beginning and end: changes whenever a real edit is made.

    Of a folder, the same of all that lies in it.
    """
    if path.is_dir():
        inside = [f"{one.name} {content_digest(one)}" for one in sorted(path.iterdir())]
        return hashlib.sha256("\n".join(inside).encode("utf-8", "backslashreplace")).hexdigest()
    if path.exists() and not path.is_file():
        return "no regular file"  # a pipe would be waited for
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(str(size).encode())
            digest.update(file.read(_SAMPLE_BYTES))
            file.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(file.read(_SAMPLE_BYTES))
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()
