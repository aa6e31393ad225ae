"""The coverage of a preparation as lines for the terminal."""

from itertools import groupby
from typing import Any

from jaxfake.data.preparation.coverage import COUNTS, MISSING, Coverage

_EACH = 5
"""Up to this many missing files of a folder are named one by one; coverage.json names all."""

_HEADS = ("files", "with a face", "no face", "unreadable", "frames", "filled", "crops")
_MORE = {"masks": "with a mask", "missing": "missing", "official": "official"}


def remarks(coverage: Coverage) -> list[str]:
    """One line for every file that gave fewer crops than it should, grouped and counted.

    Many missing files of a folder share one line, because half of a dataset can be missing.
    """
    lines = [*_unread(coverage), *coverage.caveats]
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in coverage.files:
        groups.setdefault(entry["status"].partition(": ")[0], []).append(entry)
    for kind, entries in groups.items():
        lines += [f"{kind} ({len(entries)}):", *(_missing if kind == MISSING else _each)(entries)]
    return lines


def belonging(coverage: Coverage) -> list[str]:
    """What was joined so that it shares a split, and what the dataset's own splits and labels part."""
    found = coverage.joined
    lines = []
    if found.get("equal_files") or found.get("near_copies"):
        lines.append(
            f"{found['equal_files']} files are equal to others, {found['near_copies']} more are near copies"
        )
    if found.get("joined_identities"):
        lines.append(
            f"{found['joined_identities']} identities belong together by that, or by files that show "
            f"several, and became {found['joined_into']}: each is in one split"
        )
    if found.get("crossing"):
        one, other = found["crossing_examples"][0]
        lines.append(
            f"Warning: {found['crossing']} pairs of files share content across the splits that are given, "
            f"such as {one} and {other}: results on test are not of unseen content"
        )
    if found.get("both_labels"):
        lines.append(
            f"Warning: {found['both_labels']} files of this dataset are real and fake at once: equal byte "
            "for byte, under both labels"
        )
    return lines


def table(coverage: Coverage) -> list[str]:
    """The counts as lines of a small table."""
    cells: list[tuple[str, ...]] = [("split", "method", *_HEADS, *_MORE.values())]
    for split in sorted(coverage.coverage, key=("train", "val", "test").index):
        for method, count in coverage.coverage[split].items():
            more = (str(count.get(key, "-")) for key in _MORE)
            cells.append((split, method, *(str(count[key]) for key in COUNTS), *more))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in cells]


def _unread(coverage: Coverage) -> list[str]:
    """One line for the files of kinds that are not read, and one for the places that are not."""
    kinds, names = coverage.unread.get("kinds", {}), coverage.unread.get("names", [])
    elsewhere = coverage.unread.get("elsewhere", {})
    lines = []
    if kinds:
        counted = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        number = sum(kinds.values())
        lines.append(
            f"{number} {'file' if number == 1 else 'files'} of kinds that are not read: {counted} (convert "
            f"pictures and videos among them): {_some(names, number)}"
        )
    if elsewhere:
        places = [f"{folder}/ {count}" for folder, count in elsewhere.items()]
        lines.append(
            f"pictures and videos in places that are not read: {_some(places, len(places))}"
        )
    return lines


def _some(names: list[str], number: int) -> str:
    more = f" and {number - _EACH} more" if number > _EACH else ""
    return ", ".join(names[:_EACH]) + more


def _each(entries: list[dict[str, Any]]) -> list[str]:
    reasons = (entry["status"].partition(": ")[2] or entry.get("remark") for entry in entries)
    return [
        f"  {entry['file']}" + (f": {reason}" if reason else "")
        for entry, reason in zip(entries, reasons, strict=True)
    ]


def _missing(entries: list[dict[str, Any]]) -> list[str]:
    lines = []
    for (folder, status), group in groupby(entries, key=lambda one: (_folder(one), one["status"])):
        several = list(group)
        if len(several) <= _EACH:
            lines += _each(several)
        else:
            names = f"{folder}{len(several)} files, such as {several[0]['file']}"
            lines.append(f"  {names}: {status.partition(': ')[2]}")
    return lines


def _folder(entry: dict[str, Any]) -> str:
    above = entry["file"].rpartition("/")[0]
    return f"{above}: " if above else ""
