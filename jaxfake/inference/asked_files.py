"""The files that a person asks about: those named, and all photographs and videos in folders named."""

import dataclasses
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.layouts.own_files.folder import gives_labels, list_folder
from jaxfake.data.layouts.own_files.numbered import Numbered
from jaxfake.faces.media import is_image, is_video
from jaxfake.inference.results import FileKind
from jaxfake.runtime.errors import InputError

_UNKNOWN = "unknown"
_EVERYBODY_ELSE = "(.*)"
"""Who is shown does not matter here, so that no name of a file can be ambiguous about it."""


@dataclasses.dataclass(frozen=True)
class AskedFile:
    """One file, or the frames of one clip.

    Attributes:
        path: as results name it: as it was named, or below the folder that was named.
        refusal: why it is not read; '' if it is to be tried.
    """

    source: SourceFile
    path: str
    refusal: str = ""

    @property
    def kind(self) -> FileKind:
        """What it is, by its name and its first bytes."""
        if self.refusal:
            return "unknown"
        if self.source.frames or self.source.path.is_dir():
            return "frames"
        if is_image(self.source.path):
            return "photograph"
        return "video" if is_video(self.source.path) else "unknown"


def list_files(named: tuple[Path, ...], numbering: Numbered | None = None) -> list[AskedFile]:
    """The files, in the order in which they were named; in a folder, by their paths.

    Args:
        named: files and folders.
        numbering: what pictures with numbers for names are, see `numbered`.

    Raises:
        InputError: one does not exist, or a folder holds nothing to ask about.
    """
    found: list[AskedFile] = []
    for path in named:
        if path.is_dir():
            found += _in_folder(path, numbering)
        elif path.exists() or path.is_symlink():
            found.append(asked_file(path))
        else:
            raise InputError(f"there is no file {path}")
    return list({one.path: one for one in found}.values())


def asked_file(path: Path) -> AskedFile:
    """One file that was named by itself."""
    source = SourceFile(path, path.name, schema.UNKNOWN, _UNKNOWN, path.name, path.name)
    return AskedFile(source, str(path), "" if path.is_file() else "it is not a regular file")


def _in_folder(folder: Path, numbering: Numbered | None) -> list[AskedFile]:
    try:
        label = None if gives_labels(folder) else _UNKNOWN
        listing = list_folder(folder, _EVERYBODY_ELSE, label, numbering, own_splits=False)
    except InputError as error:
        raise InputError(str(error).replace("--source", "the command")) from error
    asked = [AskedFile(one, str(folder / one.relative)) for one in listing.files]
    refused = [
        AskedFile(
            SourceFile(folder / one.relative, one.relative, schema.UNKNOWN, _UNKNOWN, "", ""),
            str(folder / one.relative),
            one.reason,
        )
        for one in listing.refused
    ]
    return sorted([*asked, *refused], key=lambda one: one.path)
