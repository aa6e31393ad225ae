"""Files that belong together stay in one split: those of one person, equal files, and near copies.

Identities that share content are joined: they become one, named by the first of them. Its split depends
on that name alone, so neither the order of the files nor the number of processes makes a difference.
Splits that a dataset gives itself are its protocol, and are not changed: what crosses them is counted
and named.
"""

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile, content_digest
from jaxfake.data.preparation.splits import TRAIN, SplitShares, split_of
from jaxfake.runtime.errors import InputError

_NAMED = 20
"""Most pairs of files that are named; all are counted."""

_DIGEST = re.compile("[0-9a-f]{64}")
_EMPTY = hashlib.sha256().hexdigest()


@dataclasses.dataclass(frozen=True)
class Belonging:
    """Files with their joined identities and their splits, and what was found."""

    files: list[SourceFile]
    in_numbers: dict[str, Any]
    """For coverage.json: `equal_files` and `near_copies`, how many files have such others;
    `joined_identities` and `joined_into`, how many identities became how many; `own_splits`, whether the
    dataset gives splits itself; `crossing`, how many pairs of files share content across these, and
    `crossing_examples`; `both_labels`, how many pairs of equal files have different labels."""


def digests_of_suspects(files: Sequence[SourceFile]) -> list[str]:
    """Digests of the files that have the size of one of the other label; '' for all others.

    So equal files of both labels are found before any work is done, and few files have to be read for it.
    """
    sizes = [_size(file) for file in files]
    labels: dict[int, set[int]] = {}
    for file, size in zip(files, sizes, strict=True):
        labels.setdefault(size, set()).add(file.label)
    both = {
        size for size, found in labels.items() if {schema.REAL, schema.FAKE} <= found and size > 0
    }
    return [
        _digest_or_empty(file) if size in both else ""
        for file, size in zip(files, sizes, strict=True)
    ]


def by_identity(files: Sequence[SourceFile], shares: SplitShares) -> list[SourceFile]:
    """The files with their splits, before anything is known about what is in them."""
    return belonging(files, (), (), shares).files


def refuse_contradictions(files: Sequence[SourceFile], digests: Sequence[str]) -> None:
    """Checks that no content has both labels.

    Args:
        files: all files.
        digests: sha256 of the content of each; anything else if it is not known.

    Raises:
        InputError: two equal files have different labels.
    """
    pairs = _contradictions(files, digests)
    if pairs:
        more = f", and {len(pairs) - 1} more such pairs" if len(pairs) > 1 else ""
        real, fake = (files[at].relative for at in pairs[0])
        raise InputError(
            f"{real} (real) and {fake} (fake) are equal byte for byte{more}: remove the one whose label is "
            "wrong"
        )


def refuse_parted(files: Sequence[SourceFile], digests: Sequence[str], advice: str) -> None:
    """Checks that the splits which a person gave do not part equal files.

    Raises:
        InputError: they do.
    """
    for one, other in _equal_pairs(_of_fixed(files, digests)):
        if files[one].split != files[other].split:
            (first, one_split), (second, other_split) = (
                (files[at].relative, files[at].split) for at in (one, other)
            )
            raise InputError(
                f"{first} ({one_split}) and {second} ({other_split}) are equal byte for byte and in two "
                f"splits: {advice}"
            )


def belonging(
    files: Sequence[SourceFile],
    digests: Sequence[str],
    near: Iterable[tuple[int, int]],
    shares: SplitShares,
) -> Belonging:
    """Joins the identities of files with common content, and gives every file its split.

    Args:
        files: all files; those with a split have it from their dataset.
        digests: see `refuse_contradictions`; none at all if nothing is known yet.
        near: pairs of near copies, by their places in `files`.
        shares: of the splits, for files that have none.
    """
    groups, found = _Groups(files), _Found(files)
    # The first of several equal files may be the one that has no split of its dataset.
    equal = dict.fromkeys((*_equal_pairs(digests), *_equal_pairs(_of_fixed(files, digests))))
    not_equal = ((one, other) for one, other in near if not _are_equal(digests, one, other))
    for pairs, kind in ((equal, found.equal), (not_equal, found.near)):
        for one, other in pairs:
            kind |= {one, other}
            if not (files[one].split and files[other].split):
                groups.tie(one, other)
            elif files[one].split != files[other].split:
                found.crosses(one, other)
    names, own = groups.names(), groups.own_splits()
    settled = [
        _settled(file, name, own.get(name), shares) for file, name in zip(files, names, strict=True)
    ]
    numbers = groups.in_numbers() | found.in_numbers()
    return Belonging(settled, numbers | {"both_labels": len(_contradictions(files, digests))})


class _Groups:
    """Identities that belong together; a group is named by its first one, in the order of names."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = files
        every = {name for file in files for name in (file.identity, *file.linked)}
        self._names = np.array(sorted(every))
        self._of_name = np.arange(len(every))
        self._of_file = np.searchsorted(self._names, [file.identity for file in files])
        for file, at in zip(files, self._of_file, strict=True):
            for linked in () if file.split else file.linked:
                self._unite(at, int(np.searchsorted(self._names, linked)))

    def tie(self, one: int, other: int) -> None:
        """The identities of these two files belong together."""
        self._unite(self._of_file[one], self._of_file[other])

    def names(self) -> list[str]:
        """The name of each file's group."""
        return [str(self._names[at]) for at in self._of_name[self._of_file]]

    def own_splits(self) -> dict[str, str]:
        """The split of groups with a file that has one from its dataset; training if they disagree."""
        splits: dict[str, set[str]] = {}
        for file, name in zip(self._files, self.names(), strict=True):
            if file.split:
                splits.setdefault(name, set()).add(file.split)
        return {name: min(some) if len(some) == 1 else TRAIN for name, some in splits.items()}

    def in_numbers(self) -> dict[str, Any]:
        """See `Belonging`."""
        moved = self._of_name[self._of_name != np.arange(len(self._of_name))]
        joined = self._of_name[np.isin(self._of_name, moved)]
        return {"joined_identities": len(joined), "joined_into": len(np.unique(joined))}

    def _unite(self, one: int, other: int) -> None:
        first, second = sorted((self._of_name[one], self._of_name[other]))
        if first != second:
            self._of_name[self._of_name == second] = first


class _Found:
    """Files with common content, counted as they are found: there can be very many pairs."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = files
        self.equal: set[int] = set()
        self.near: set[int] = set()
        self._crossing = 0
        self._examples: list[list[str]] = []

    def crosses(self, one: int, other: int) -> None:
        """The splits of the dataset part these two files."""
        self._crossing += 1
        if len(self._examples) < _NAMED:
            both = (self._files[one], self._files[other])
            self._examples.append([f"{file.relative} ({file.split})" for file in both])

    def in_numbers(self) -> dict[str, Any]:
        """See `Belonging`."""
        return {
            "equal_files": len(self.equal),
            "near_copies": len(self.near - self.equal),
            "own_splits": any(file.split for file in self._files),
            "crossing": self._crossing,
            "crossing_examples": self._examples,
        }


def _contradictions(files: Sequence[SourceFile], digests: Sequence[str]) -> list[tuple[int, int]]:
    """Places of a real and a fake file with the same content: one pair for each such content."""
    first: dict[tuple[str, int], int] = {}
    for at, digest in enumerate(digests):
        if _is_known(digest):
            first.setdefault((digest, files[at].label), at)
    return [
        (at, first[digest, schema.FAKE])
        for (digest, label), at in first.items()
        if label == schema.REAL and (digest, schema.FAKE) in first
    ]


def _of_fixed(files: Sequence[SourceFile], digests: Sequence[str]) -> list[str]:
    """The digests of the files that have a split from their dataset; '' for all others."""
    return [
        digest if file.split else ""
        for file, digest in zip(files, digests or [""] * len(files), strict=True)
    ]


def _equal_pairs(digests: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Each file that has the content of an earlier one, with the first such one."""
    first: dict[str, int] = {}
    for at, digest in enumerate(digests):
        if _is_known(digest) and first.setdefault(digest, at) != at:
            yield first[digest], at


def _are_equal(digests: Sequence[str], one: int, other: int) -> bool:
    return bool(digests) and digests[one] == digests[other] and _is_known(digests[one])


def _is_known(digest: str) -> bool:
    return digest != _EMPTY and _DIGEST.fullmatch(digest) is not None


def _size(file: SourceFile) -> int:
    """In bytes; 0 for a folder, or if it is not known."""
    try:
        return 0 if file.frames or file.path.is_dir() else os.stat(file.path).st_size
    except OSError:
        return 0


def _digest_or_empty(file: SourceFile) -> str:
    try:
        return content_digest(file.clip)
    except OSError:
        return ""


def _settled(file: SourceFile, identity: str, own: str | None, shares: SplitShares) -> SourceFile:
    if file.split:
        return file
    return dataclasses.replace(file, identity=identity, split=own or split_of(identity, shares))
