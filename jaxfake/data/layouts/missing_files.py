"""Videos that a dataset's own lists name and that do not exist, because it is not fully unpacked."""

from collections.abc import Collection, Iterator
from pathlib import Path

from jaxfake.data.layouts import clips, safe_paths
from jaxfake.data.layouts.listing import Excluded
from jaxfake.data.layouts.untrusted_input import shown


def in_folder(root: Path, folder: Path, names: Collection[str], source: str) -> Iterator[Excluded]:
    """One entry for a folder without any of its videos, else one for each missing video.

    Args:
        root: of the dataset.
        folder: below the root.
        names: of the videos that the folder should hold, without suffix.
        source: the list that says so.
    """
    missing = set(names) - {clips.stem(path) for path in safe_paths.visible(folder)}
    relative = shown(folder.relative_to(root).as_posix())
    if missing and len(missing) == len(names):
        yield empty_folder(root, folder, f"its {len(missing)} videos in {source}")
        return
    for name in sorted(missing):
        yield Excluded(f"{relative}/{shown(name)}{clips.SUFFIX}", named_in(source))


def named_in(source: str) -> str:
    """The reason of a missing video."""
    return f"named in {source} but not there"


def empty_folder(root: Path, folder: Path, what: str) -> Excluded:
    """The entry of a folder that holds nothing of what it should."""
    relative = shown(folder.relative_to(root).as_posix())
    state = "it holds none of" if folder.is_dir() else "it is not there, nor any of"
    return Excluded(relative, f"{state} {what}")
