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
    `joined_identities` and `joined_into`, how many identities became how many; `own_splits`, whether
    the dataset gives splits itself; `crossing`, how many pairs of files share content across these, and
    `crossing_examples`."""


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
    pairs = [
        (files[one], files[other])
        for one, other in _equal_pairs(digests)
        if {files[one].label, files[other].label} == {schema.REAL, schema.FAKE}
    ]
    if pairs:
        one, other = sorted(pairs[0], key=lambda file: file.label)
        more = f", and {len(pairs) - 1} more such pairs" if len(pairs) > 1 else ""
        raise InputError(
            f"{one.relative} (real) and {other.relative} (fake) are equal byte for byte{more}: remove "
            "the one whose label is wrong"
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
    names = np.array(sorted({name for file in files for name in (file.identity, *file.linked)}))
    identity = np.searchsorted(names, [file.identity for file in files])
    group = np.arange(len(names))
    for file, at in zip(files, identity, strict=True):
        for linked in () if file.split else file.linked:
            _unite(group, at, int(np.searchsorted(names, linked)))
    equal: set[int] = set()
    copies: set[int] = set()
    crossing: list[tuple[str, str]] = []
    for pairs, found in ((_equal_pairs(digests), equal), (near, copies)):
        for one, other in pairs:
            found |= {one, other}
            if _fixed(files[one], files[other]):
                crossing += _crossing(files[one], files[other])
            else:
                _unite(group, identity[one], identity[other])
    own = _own_splits(files, group[identity])
    settled = [
        _settled(file, str(names[at]), own.get(int(at)), shares)
        for file, at in zip(files, group[identity], strict=True)
    ]
    became = group[np.isin(group, group[group != np.arange(len(group))])]
    return Belonging(
        settled,
        {
            "equal_files": len(equal),
            "near_copies": len(copies - equal),
            "joined_identities": len(became),
            "joined_into": len(np.unique(became)),
            "own_splits": any(file.split for file in files),
            "crossing": len(crossing),
            "crossing_examples": [list(pair) for pair in crossing[:_NAMED]],
        },
    )


def _equal_pairs(digests: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Each file that has the content of an earlier one, with the first such one."""
    first: dict[str, int] = {}
    for at, digest in enumerate(digests):
        known = _DIGEST.fullmatch(digest) and digest != _EMPTY
        if known and first.setdefault(digest, at) != at:
            yield first[digest], at


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


def _fixed(one: SourceFile, other: SourceFile) -> bool:
    """Whether the dataset itself says in which splits both are."""
    return bool(one.split and other.split)


def _crossing(one: SourceFile, other: SourceFile) -> list[tuple[str, str]]:
    if one.split == other.split:
        return []
    return [(f"{one.relative} ({one.split})", f"{other.relative} ({other.split})")]


def _unite(group: np.ndarray, one: int, other: int) -> None:
    """Makes two groups one, in place. A group is named by its first identity, in the order of names."""
    first, second = sorted((group[one], group[other]))
    if first != second:
        group[group == second] = first


def _own_splits(files: Sequence[SourceFile], groups: np.ndarray) -> dict[int, str]:
    """The split of groups with a file that has one from its dataset; training if they disagree."""
    splits: dict[int, set[str]] = {}
    for file, group in zip(files, groups.tolist(), strict=True):
        if file.split:
            splits.setdefault(group, set()).add(file.split)
    return {group: min(found) if len(found) == 1 else TRAIN for group, found in splits.items()}


def _settled(file: SourceFile, identity: str, own: str | None, shares: SplitShares) -> SourceFile:
    if file.split:
        return file
    return dataclasses.replace(file, identity=identity, split=own or split_of(identity, shares))
