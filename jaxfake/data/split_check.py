"""Whether any person or picture is in two splits of a dataset, and how many people are in each."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake.data.dataset import FaceDataset, holds_dataset, open_split, split_names
from jaxfake.data.layouts import registry
from jaxfake.data.preparation import coverage
from jaxfake.runtime.errors import InputError


@dataclasses.dataclass(frozen=True)
class SplitCheck:
    """What the splits of a dataset have in common.

    Attributes:
        identities: how many people each split has, of the splits that could be read.
        unread: why others could not be read.
        by_authors: the splits are the protocol of a published dataset, which stands as it is.
        people: that are in two splits, such as 'anna (train, test)'.
        pictures: that are in two splits, named by the faces that have them.
    """

    identities: dict[str, int]
    unread: dict[str, str]
    by_authors: bool
    people: tuple[str, ...]
    pictures: tuple[str, ...]

    def refuse_shared(self, folder: Path) -> None:
        """Checks that the splits have nothing in common, unless a dataset's authors made them.

        Raises:
            InputError: they have; it names a person or a picture.
        """
        if self.by_authors:
            return
        for kind, shared in (("people", self.people), ("pictures", self.pictures)):
            if shared:
                raise InputError(
                    f"splits of {folder} share {len(shared)} {kind}, such as {shared[0]}: prepare it "
                    "again, so that none of them is in two splits"
                )

    def json(self) -> dict[str, Any]:
        """As result files have it."""
        return {
            "identities": self.identities,
            "checked": sorted(self.identities),
            "not_checked": self.unread,
            "by_authors": self.by_authors,
            "shared_identities": len(self.people),
            "shared_pictures": len(self.pictures),
        }


def check_splits(opened: Sequence[FaceDataset]) -> SplitCheck:
    """Checks all splits of a dataset against each other.

    Args:
        opened: one or more splits of it. The others are opened here; only names are taken from them.
    """
    folder, size = opened[0].folder, opened[0].size
    splits, unread = {one.split: one for one in opened}, {}
    for name in split_names(folder) if holds_dataset(folder) else ():
        try:
            splits.setdefault(name, open_split(folder, name, size))
        except InputError as error:
            unread[name] = str(error)
    return SplitCheck(
        identities={name: len(np.unique(one.index.identity)) for name, one in splits.items()},
        unread=unread,
        by_authors=_by_authors(folder),
        people=tuple(_shared_people(list(splits.values()))),
        pictures=tuple(_shared_pictures(list(splits.values()))),
    )


def _by_authors(folder: Path) -> bool:
    found = coverage.read(folder) or coverage.read(folder.resolve().parent.parent)
    return found is not None and found.settings.get("source") not in registry.OWN_FILES


def _shared_people(splits: list[FaceDataset]) -> list[str]:
    return [
        f"{name} ({first.split}, {second.split})"
        for first, second in itertools.combinations(splits, 2)
        for name in np.intersect1d(first.index.identity, second.index.identity).tolist()
    ]


def _shared_pictures(splits: list[FaceDataset]) -> list[str]:
    named = []
    for first, second in itertools.combinations(splits, 2):
        if first.content is None or second.content is None:
            continue
        _, ones, others = np.intersect1d(first.content, second.content, return_indices=True)
        named += [
            f"{first.name(one)} ({first.split}), which is {second.name(other)} ({second.split})"
            for one, other in zip(ones.tolist(), others.tolist(), strict=True)
        ]
    return named
