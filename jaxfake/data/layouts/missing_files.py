"""Videos that a dataset's own lists name and that do not exist: not all is unpacked, or it is a subset."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from jaxfake.data.layouts import clips, safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing
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


def as_subset(listing: Listing) -> Listing:
    """The listing of a copy that is meant to be a part of the dataset: nothing of it is missing.

    How much of the official dataset it is becomes one of the things that every result says.
    """
    found = Counter(file.split for file in listing.files)
    official = {split: sum(methods.values()) for split, methods in listing.official.items()}
    sentence = (
        f"These data are a subset: {len(listing.files)} of {sum(official.values())} official videos"
    )
    shares = ", ".join(f"{split} {found[split]} of {count}" for split, count in official.items())
    sentence += f" ({shares})"
    if not official:
        sentence = (
            f"These data are a subset: {len(listing.files)} videos, the official number is unknown"
        )
    return replace(listing, official={}, missing=(), caveats=[*listing.caveats, f"{sentence}."])


def named_in(source: str) -> str:
    """The reason of a missing video."""
    return f"named in {source} but not there"


def empty_folder(root: Path, folder: Path, what: str) -> Excluded:
    """The entry of a folder that holds nothing of what it should."""
    relative = shown(folder.relative_to(root).as_posix())
    state = "it holds none of" if folder.is_dir() else "it is not there, nor any of"
    return Excluded(relative, f"{state} {what}")
