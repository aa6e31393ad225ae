"""What was taken from a source as label, manipulation, identity and split: said before any work is done."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from jaxfake import schema
from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.layouts.own_files.linked_identities import first_of_group
from jaxfake.data.layouts.untrusted_input import shown
from jaxfake.data.preparation.splits import SPLITS, SplitShares

_EXAMPLES = 3
_MOST_ROWS = 10
_WIDEST = 40

_LABELS = {schema.REAL: "real", schema.FAKE: "fake", schema.UNKNOWN: "unknown"}

type _Row = tuple[str, str, int, Sequence[str]]
"""What, its value, in how many files, and examples."""


def with_splits(listing: Listing, files: Sequence[SourceFile]) -> Listing:
    """The listing with the splits of `files`, which are the same files in the same order."""
    split = [replace(file, split=one.split) for file, one in zip(listing.files, files, strict=True)]
    return replace(listing, files=split)


def counts(listing: Listing) -> dict[str, Any]:
    """What coverage.json says of it. The listing has a split for every file."""
    labels = Counter(_LABELS[file.label] for file in listing.files)
    identities = len(set(first_of_group(listing.files).values()))
    return {
        "label": listing.label,
        "labels": dict(sorted(labels.items())),
        "identity": listing.identity,
        "identities": identities,
        "each_file_its_own_identity": identities == len(listing.files) > 1,
        "split": listing.split or "by identity",
        "clips_of_pictures": sum(_of_pictures(file) for file in listing.files),
    }


def _of_pictures(file: SourceFile) -> bool:
    return bool(file.frames) or file.path.is_dir()


def each_its_own(files: int) -> str:
    """What a reader must know if no two files have the same identity."""
    return (
        f"Each of the {files} files is taken as another person. If somebody is in several, training and "
        "test share people, and intervals over people are too narrow."
    )


def table(listing: Listing, shares: SplitShares) -> list[str]:
    """Lines for the terminal. The listing has a split for every file."""
    rows = [
        *_rows("label", listing.files, lambda file: _LABELS[file.label]),
        *_rows("manipulation", listing.files, lambda file: file.method),
        _identity_row(listing.files),
        *_rows("split", listing.files, lambda file: file.split),
    ]
    cells = [("", "taken as", "files", "such as")]
    cells += [(what, _short(value), str(n), "  ".join(of)) for what, value, n, of in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:3]
    lines = [
        f"{what:<{widths[0]}}  {value:<{widths[1]}}  {count:>{widths[2]}}  {examples}".rstrip()
        for what, value, count, examples in cells
    ]
    return [*lines, *_remarks(listing, shares)]


def _rows(
    what: str, files: Sequence[SourceFile], value_of: Callable[[SourceFile], str]
) -> Iterable[_Row]:
    """A row for each value, the most frequent first."""
    count = Counter(map(value_of, files))
    ordered = sorted(count, key=lambda value: (-count[value], value))
    for value in ordered[:_MOST_ROWS]:
        of_value = (file.relative for file in files if value_of(file) == value)
        yield what, value, count[value], list(map(_short, islice(of_value, _EXAMPLES)))
    rest = ordered[_MOST_ROWS:]
    if rest:
        examples = list(map(_short, rest[:_EXAMPLES]))
        yield what, f"{len(rest)} more", sum(count[value] for value in rest), examples


def _identity_row(files: Sequence[SourceFile]) -> _Row:
    """One row for all: the examples are people, each with a file."""
    first: dict[str, SourceFile] = {}
    for file in files:
        first.setdefault(file.identity, file)
    people = islice(first.items(), _EXAMPLES)
    examples = [f"{_short(name)} ({_short(file.relative)})" for name, file in people]
    count = "1 person" if len(first) == 1 else f"{len(first)} people"
    return "identity", count, len(files), examples


def _remarks(listing: Listing, shares: SplitShares) -> list[str]:
    taken = counts(listing)
    lines = [
        f"labels: {taken['label']}; identities: {taken['identity']}; splits: {taken['split']}",
        *listing.notes,
        *listing.caveats,
    ]
    if taken["each_file_its_own_identity"]:
        lines.append(each_its_own(len(listing.files)))
    groups = first_of_group(listing.files)
    linked = len(groups) - len(set(groups.values()))
    if linked:
        lines.append(f"People who share a file share a split: {linked} are joined to others.")
    filled = {file.split for file in listing.files}
    for split, share in zip(SPLITS, shares, strict=True):
        if split not in filled and (share or listing.split):
            why = "the source says so" if listing.split else "too few people can be parted"
            lines.append(f"Nobody is in {split}: {why}.")
    return lines


def _short(text: str) -> str:
    """A name of bounded length, safe to print; the end of a path tells most."""
    text = shown(text)
    return text if len(text) <= _WIDEST else f"...{text[3 - _WIDEST :]}"
