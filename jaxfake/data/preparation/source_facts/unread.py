"""Which files of a source are not read, so that nothing is left out without a word.

Two things are told apart. Files of kinds that are not decoded may be pictures of people whom the dataset
then lacks. Pictures and videos in places that a layout does not read, such as another compression, are left
out on purpose.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.faces.clip import Clip
from jaxfake.faces.file_kinds import FACELESS, Kind, kind_of
from jaxfake.faces.media import is_frame, is_image, is_video

MOST_NAMES = 100
"""Names that are kept; all are counted."""


@dataclass(frozen=True)
class Unread:
    """The files of a source that are not read, and are not named for another reason."""

    kinds: dict[str, int] = field(default_factory=dict)  # files, by suffix or content
    names: list[str] = field(default_factory=list)  # the first of them
    may_show_faces: int = 0  # how many are neither text nor sound
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Pictures and videos that would be read in another place, by folder; the first folders."""


@dataclass(frozen=True)
class Search:
    """Where to look, and for what.

    Attributes:
        root: of the source.
        out: of the dataset, which may be inside of the source.
        text: whether text files count. Beside a table, and in an official dataset, they are lists and
            descriptions.
        beside_only: whether to look only into the folders of files that the listing has: a table names
            what is to be read, and may lie anywhere.
        follow_links: as for the listing.
    """

    root: Path
    out: Path
    text: bool = True
    beside_only: bool = False
    follow_links: bool = False


def find(wanted: Search, listing: Listing) -> Unread:
    """The files of a source that a listing of it does not have."""
    root = wanted.root.resolve()
    used = _Used(root, listing)
    kinds: Counter[str] = Counter()
    elsewhere: Counter[str] = Counter()
    names: list[str] = []
    faces = 0
    for path in _files(wanted, root, used):
        relative = path.relative_to(root).as_posix()
        if used.has(path, relative):
            continue
        kind = kind_of(path)
        if kind is Kind.TEXT and not wanted.text:
            continue
        if is_image(path) or is_video(path):
            elsewhere[path.parent.relative_to(root).as_posix()] += 1
            continue
        kinds[_in_words(path, kind)] += 1
        faces += kind not in FACELESS
        if len(names) < MOST_NAMES:
            names.append(relative)
    return Unread(
        kinds=dict(sorted(kinds.items())),
        names=sorted(names),
        may_show_faces=faces,
        elsewhere=dict(sorted(elsewhere.items())[:MOST_NAMES]),
    )


def _files(wanted: Search, root: Path, used: "_Used") -> Iterator[Path]:
    """The files to look at."""
    out = wanted.out.resolve()
    if wanted.beside_only:
        for folder in sorted(used.homes):
            yield from (path for path in safe_paths.visible(folder) if not path.is_dir())
        return
    for path, _ in safe_paths.walk(root, wanted.follow_links):
        if not path.is_relative_to(out):
            yield path


class _Used:
    """What a listing has, or names as refused or missing."""

    def __init__(self, root: Path, listing: Listing) -> None:
        clips = [one for file in listing.files for one in _clips(file)]
        files = {path for one in clips for path in _paths(one)}
        self.homes = {path if path.is_dir() else path.parent for path in files}
        """The folders that hold its files."""
        self._files = files | {path.resolve() for path in files}  # some lie behind links
        self._folders = {path for path in self._files if path.is_dir()}
        self._named = {item.relative for item in (*listing.refused, *listing.missing)}
        self._root = root

    def has(self, path: Path, relative: str) -> bool:
        if path in self._files or relative in self._named or path.resolve() in self._files:
            return True
        if path.parent in self._folders:
            return is_frame(path)
        above = path.relative_to(self._root).parents
        return any(one.as_posix() in self._named for one in above)


def _clips(file: SourceFile) -> list[Clip]:
    return [one for one in (file.clip, file.mask, file.original) if one is not None]


def _paths(source: Clip) -> Sequence[Path]:
    return source if isinstance(source, tuple) else (source,)


def _in_words(path: Path, kind: Kind) -> str:
    """The suffix, as people know their files by it; without one, what the content is."""
    suffix = path.suffix.lower()
    return suffix if 1 < len(suffix) <= 8 and suffix[1:].isalnum() else f"no suffix ({kind})"
