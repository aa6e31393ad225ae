"""Label and split of each file of a folder, from the names of the folders above it.

A folder is a label if its name has a word for real or fake (`folder_words`), whether above or below a
split. Where folders below it say both, it is a collection and no label. A name that says more than its
label, such as `Celeb-synthesis`, counts only where folders beside it say the other label.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from jaxfake.data.layouts.own_files import folder_words
from jaxfake.data.layouts.own_files.folder_words import FAKE, REAL
from jaxfake.runtime.errors import InputError

BY_TABLE = "or say what each file is by a table (--dataset=csv)"

type Folders = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What the folders above a file say of it.

    Attributes:
        label: 'real' or 'fake'; '' if they do not say.
        split: 'train', 'val' or 'test'; '' if they do not say.
        named: the folder that gives the label; '' if none does.
        below: the folders below that one, or below the source if none does; no splits.
        above: the folders above that one; no splits.
    """

    label: str
    split: str
    named: str
    below: Folders
    above: Folders = ()

    @property
    def specific(self) -> Folders:
        """The folders below the label that tell more than the kind of their files."""
        return tuple(name for name in self.below if not folder_words.is_general(name))


def folders_of(relative: str) -> Folders:
    """The folders above a file, from the source down."""
    return PurePosixPath(relative).parts[:-1]


def places(relatives: Iterable[str], own_splits: bool = True) -> dict[str, Place]:
    """What the folders say of each file.

    Args:
        relatives: the files, relative to the source.
        own_splits: False if what folders say of splits is not wanted.

    Raises:
        InputError: they contradict each other, or say it of some files only.
    """
    listed = list(relatives)
    labels = _Labels({folders_of(relative) for relative in listed})
    found = {relative: labels.place(folders_of(relative), own_splits) for relative in listed}
    _check_all_or_none(found)
    return found


def of_source(parts: Folders) -> str:
    """The label in the source's own name, or in the one above it if that is `videos` or the like."""
    for name in reversed(parts):
        read = folder_words.read(name)
        if read.label:
            return read.label if read.plain else ""
        if not (read.split or folder_words.is_general(name)):
            return ""
    return ""


class _Labels:
    """Which folders of a source are labels."""

    def __init__(self, all_folders: set[Folders]) -> None:
        above = {folders[:end] for folders in all_folders for end in range(1, len(folders) + 1)}
        self._collections = _collections(above)
        self._beside: dict[Folders, set[str]] = {}
        for folder in above - self._collections:
            label = folder_words.read(folder[-1]).label
            self._beside.setdefault(_unsplit(folder[:-1]), set()).add(label)

    def place(self, folders: Folders, own_splits: bool) -> Place:
        """What the folders above a file say.

        Raises:
            InputError: two of them contradict each other.
        """
        split = _one_split(folders) if own_splits else ""
        labels = [end for end in range(1, len(folders) + 1) if self._is_label(folders[:end])]
        if not labels:
            return Place("", split, "", _unsplit(folders))
        label = folder_words.read(folders[labels[0] - 1]).label
        for end in range(1, len(folders) + 1):
            if self._says(folders[:end]) not in ("", label):
                raise InputError(
                    f"{'/'.join(folders[:end])} contradicts itself: name that folder by its method, "
                    f"{BY_TABLE}"
                )
        above, below = _unsplit(folders[: labels[0] - 1]), _unsplit(folders[labels[0] :])
        return Place(label, split, folders[labels[0] - 1], below, above)

    def _says(self, folder: Folders) -> str:
        """The label in the name of a folder; '' if there is none, or it is a collection of both."""
        return "" if folder in self._collections else folder_words.read(folder[-1]).label

    def _is_label(self, folder: Folders) -> bool:
        """Whether all in a folder has the label in its name."""
        both_here = {REAL, FAKE} <= self._beside.get(_unsplit(folder[:-1]), set())
        return bool(self._says(folder)) and (folder_words.read(folder[-1]).plain or both_here)


def _collections(folders: set[Folders]) -> set[Folders]:
    """The folders with both labels somewhere below them; below a plain label only plain labels count."""
    said: dict[Folders, set[str]] = {}
    for folder in folders:
        read = folder_words.read(folder[-1])
        for end in range(1, len(folder)):
            if read.plain or not folder_words.read(folder[end - 1]).plain:
                said.setdefault(folder[:end], set()).add(read.label)
    return {folder for folder, labels in said.items() if {REAL, FAKE} <= labels}


def _unsplit(folders: Folders) -> Folders:
    """The folders without those that are splits and nothing else."""
    read = ((name, folder_words.read(name)) for name in folders)
    return tuple(name for name, said in read if said.label or not said.split)


def _one_split(folders: Folders) -> str:
    splits = {folder_words.read(name).split for name in folders} - {""}
    if len(splits) > 1:
        raise InputError(
            f"{'/'.join(folders)} is in two splits, {' and '.join(sorted(splits))}: rename one of "
            "these folders, or give --splits to split by identity instead"
        )
    return splits.pop() if splits else ""


def _check_all_or_none(found: dict[str, Place]) -> None:
    labelled = any(place.label for place in found.values())
    split = sorted({place.split for place in found.values()} - {""})
    for relative, place in found.items():
        if labelled and not place.label:
            raise InputError(
                f"{relative} is neither below real/ nor below fake/: move it to one of them, {BY_TABLE}"
            )
        if split and not place.split:
            raise InputError(
                f"{relative} is in no split, and other files are in {'/, '.join(split)}/: move it to "
                "one of them, or give --splits to split by identity instead"
            )
