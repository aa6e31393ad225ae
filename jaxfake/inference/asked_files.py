"""The files that a person asks about: those named, and all photographs and videos in folders named."""

import dataclasses
import os
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.layouts.own_files.folder import list_unlabelled
from jaxfake.data.layouts.own_files.numbered import Numbered
from jaxfake.faces.file_kinds import FACELESS, kind_of
from jaxfake.faces.media import is_image, is_video
from jaxfake.inference.results import FileKind
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say

_UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class AskedFile:
    """One file, or the frames of one clip.

    Attributes:
        path: as results name it: as it was named, or below the folder that was named.
        refusal: why it is not read; '' if it is to be tried.
        in_memory: whether it is frames that were given as arrays, and no file.
    """

    source: SourceFile
    path: str
    refusal: str = ""
    in_memory: bool = False

    @property
    def kind(self) -> FileKind:
        """What it is, by its name and its first bytes."""
        if self.refusal:
            return "unknown"
        if self.in_memory or self.source.frames or self.source.path.is_dir():
            return "frames"
        if is_image(self.source.path):
            return "photograph"
        return "video" if is_video(self.source.path) else "unknown"


def list_files(
    named: tuple[Path, ...], numbering: Numbered | None = None, out: Path | None = None
) -> list[AskedFile]:
    """The files, in the order in which they were named; in a folder, by their paths.

    Args:
        named: files and folders.
        numbering: what pictures with numbers for names are, see `numbered`.
        out: folder of results, whose pictures are not asked about if it is in one of those named.

    Raises:
        InputError: one does not exist.
    """
    found: list[AskedFile] = []
    for path in named:
        if path.is_dir():
            found += _in_folder(path, numbering, out)
        elif path.exists() or path.is_symlink():
            found.append(asked_file(path))
        else:
            raise InputError(f"there is no file {path}")
    return list({one.path: one for one in found}.values())


def asked_file(path: Path) -> AskedFile:
    """One file that was named by itself, or a folder with the frames of one clip."""
    source = SourceFile(path, path.name, schema.UNKNOWN, _UNKNOWN, path.name, path.name)
    return AskedFile(source, _text(path), _fault(path))


def _text(path: Path) -> str:
    """The path as text; bytes of a name that are not UTF-8 are written as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _fault(path: Path) -> str:
    """Why a file is not read; '' if it is to be tried."""
    if path.is_dir() or _is_media(path):
        return "" if path.is_dir() or path.is_file() else "it is not a regular file"
    if not path.is_file():
        return "it is not a regular file"
    return f"it is not a photograph or video that can be read (its kind: {kind_of(path).value})"


def _is_media(path: Path) -> bool:
    return is_image(path) or is_video(path)


def _in_folder(folder: Path, numbering: Numbered | None, out: Path | None) -> list[AskedFile]:
    """What is in a folder; one that holds nothing to ask about is refused as a whole."""
    own = None if out is None else out.resolve()
    found = [
        one
        for one in _all_in_folder(folder, numbering)
        if own is None or not one.source.path.resolve().is_relative_to(own)
    ]
    nothing = "it holds no photograph or video that can be read"
    return found or [dataclasses.replace(asked_file(folder), refusal=nothing)]


def _all_in_folder(folder: Path, numbering: Numbered | None) -> list[AskedFile]:
    refused = [asked_file(folder / relative) for relative in _not_decoded(folder)]
    try:
        listing = list_unlabelled(folder, numbering)
    except InputError:
        return refused
    for note in listing.notes:
        say(f"{folder}: {note}")
    refused += [
        dataclasses.replace(asked_file(folder / one.relative), refusal=one.reason)
        for one in listing.refused
    ]
    asked = [AskedFile(one, _text(folder / one.relative)) for one in listing.files]
    return sorted([*asked, *refused], key=lambda one: one.path)


def _not_decoded(folder: Path) -> list[str]:
    """Files in a folder that may show faces and are of a kind that is not decoded, by their relative paths.

    Whatever cannot show a face, such as a text, is passed over.
    """
    root = folder.resolve()
    beside = (path for path, why in safe_paths.walk(root) if not why and not _is_media(path))
    found = (path for path in beside if kind_of(path) not in FACELESS)
    return sorted(path.relative_to(root).as_posix() for path in found)
