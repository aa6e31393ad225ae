"""Videos that a dataset has by its own lists and that are not in its folders: half unpacked, in short."""

from collections.abc import Collection, Iterator
from pathlib import Path

from jaxfake.data.layouts import inside
from jaxfake.data.layouts.listing import Refused
from jaxfake.data.layouts.untrusted import shown


def from_folder(root: Path, folder: Path, names: Collection[str], source: str) -> Iterator[Refused]:
    """One line for a folder without any of its videos, else one for each that is not there.

    Args:
        root: of the dataset.
        folder: below it.
        names: of the videos that it should hold.
        source: what says so.
    """
    gone = set(names) - {path.name for path in inside.visible(folder)}
    relative = shown(folder.relative_to(root).as_posix())
    if gone and len(gone) == len(names):
        yield empty(root, folder, f"its {len(gone)} videos in {source}")
        return
    for name in sorted(gone):
        yield Refused(f"{relative}/{shown(name)}", named_in(source))


def named_in(source: str) -> str:
    """Why a video is missing."""
    return f"named in {source} but not there"


def empty(root: Path, folder: Path, what: str) -> Refused:
    """A folder that holds nothing of what it should."""
    relative = shown(folder.relative_to(root).as_posix())
    state = "it holds none of" if folder.is_dir() else "it is not there, nor any of"
    return Refused(relative, f"{state} {what}")
