"""The files of a source that can be prepared, each with what its dataset says about it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True)
class SourceFile:
    """One photograph or video; or a folder of pictures, the frames of one video."""

    path: Path
    relative: str  # to the source, with '/'
    label: int
    method: str  # manipulation name; 'real' for reals
    identity: str
    video_id: str
    split: str = ""  # the dataset's own; '' to split by identity
    mask: Path | None = None  # video (or folder) of the forgery masks, frame by frame
    original: Path | None = None  # the real video that it was made from, frame by frame


@dataclass(frozen=True)
class Excluded:
    """A file or folder that is not prepared, and why."""

    relative: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """The files of a source, in the order of their relative paths."""

    files: list[SourceFile]
    refused: list[Excluded]  # exist, and are not prepared
    others: int  # files that are neither photographs nor videos by their suffix
    label: str  # the label of all files, or where the labels come from
    official: Mapping[str, Mapping[str, int]] = MappingProxyType({})
    """How many videos the whole dataset has according to its authors, by split and method."""
    missing: Sequence[Excluded] = ()
    """What the dataset's own lists or layout name and does not exist in the source."""


def separate(
    entries: Iterable[SourceFile | Excluded],
) -> tuple[list[SourceFile], list[Excluded]]:
    """The files and the excluded entries, each in the order of the relative paths."""
    ordered = sorted(entries, key=lambda entry: entry.relative)
    files = [entry for entry in ordered if isinstance(entry, SourceFile)]
    return files, [entry for entry in ordered if isinstance(entry, Excluded)]


def content_digest(path: Path) -> str:
    """sha256 of all bytes of a file; of a folder, of the names and contents of everything in it.

    Raises:
        OSError: it is not there, or cannot be read to its end.
    """
    if path.is_dir():
        entries = [f"{one.name} {_digest_below(one)}" for one in sorted(path.iterdir())]
        return hashlib.sha256("\n".join(entries).encode("utf-8", "backslashreplace")).hexdigest()
    if path.exists() and not path.is_file():
        return "not a regular file"  # reading a pipe could wait for ever
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_below(path: Path) -> str:
    """Of a file in a folder, where a link may lead nowhere."""
    if path.is_symlink() and not path.exists():
        return "a link that leads nowhere"
    return content_digest(path)
