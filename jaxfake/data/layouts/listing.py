"""The files of a source that can be prepared, each with what its dataset says about it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from jaxfake.faces.clip import Clip
from jaxfake.faces.media import is_image


@dataclass(frozen=True)
class SourceFile:
    """One photograph or video; or a folder of pictures, the frames of one video."""

    path: Path  # of the file, or of the folder that holds its frames
    relative: str  # to the source, with '/'
    label: int
    method: str  # manipulation name; 'real' for reals
    identity: str
    video_id: str
    split: str = ""  # the dataset's own; '' to split by identity
    mask: Clip | None = None  # the forgery masks, frame by frame
    original: Clip | None = None  # the real file that it was made from, frame by frame
    frames: tuple[Path, ...] = ()  # the pictures that are its frames, if not all in its folder are
    linked: tuple[str, ...] = ()  # more identities in it, such as the donor of a swapped face

    @property
    def clip(self) -> Clip:
        """What its frames are read from."""
        return self.frames or self.path

    @property
    def is_photograph(self) -> bool:
        """Whether it is one picture by itself."""
        return not self.frames and is_image(self.path)


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
    label: str  # the label of all files, or where the labels come from
    official: Mapping[str, Mapping[str, int]] = MappingProxyType({})
    """How many videos the whole dataset has according to its authors, by split and method."""
    missing: Sequence[Excluded] = ()
    """What the dataset's own lists or layout name and does not exist in the source."""
    identity: str = "as the dataset's layout gives it"
    """Where the identities come from."""
    split: str = "as the dataset's layout gives it"
    """Where the splits come from; '' if every file is split by its identity."""
    notes: Sequence[str] = ()
    """Whatever else a person should know of how the source was read, a sentence each."""
    caveats: Sequence[str] = ()
    """What every result on these data has to say, a sentence each."""


def separate(
    entries: Iterable[SourceFile | Excluded],
) -> tuple[list[SourceFile], list[Excluded]]:
    """The files and the excluded entries, each in the order of the relative paths."""
    ordered = sorted(entries, key=lambda entry: entry.relative)
    files = [entry for entry in ordered if isinstance(entry, SourceFile)]
    return files, [entry for entry in ordered if isinstance(entry, Excluded)]


def content_digest(path: Clip) -> str:
    """sha256 of all bytes of a file; of a folder, of the names and contents of everything in it;
    of several pictures, of their contents.

    Raises:
        OSError: it is not there, or cannot be read to its end.
    """
    if isinstance(path, tuple):
        each = "\n".join(content_digest(one) for one in path)
        return hashlib.sha256(each.encode()).hexdigest()
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
