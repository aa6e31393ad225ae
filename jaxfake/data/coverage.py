"""What of a source has become of it: coverage.json, and the same for the terminal."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from jaxfake.data.listing import Listing, SourceFile
from jaxfake.data.units import Status, cut_short
from jaxfake.files import write_atomically

FILE_NAME = "coverage.json"

GIVEN_MASKS = "as the dataset gives them"

_COUNTS = ("expected", "found", "no_face", "unreadable", "frames", "filled", "crops")
"""Of a split and method: files listed, with a face, without, and unreadable; frames decoded, of these
filled between two others, and crops."""


class Row(NamedTuple):
    """One source file and how it went."""

    source: SourceFile
    split: str
    status: Status


class Coverage(NamedTuple):
    """Everything that coverage.json says."""

    dataset: str
    settings: dict[
        str, Any
    ]  # what was asked for; the same source and settings give the same dataset
    source: dict[str, Any]  # files, and a fingerprint of them
    versions: dict[str, str]  # of what made the crops
    manifest: (
        str  # sha256 over source, settings and versions: names the data in all that is made of them
    )
    coverage: dict[str, dict[str, dict[str, int]]]  # split, method, count
    files: list[dict[str, Any]]  # those that gave less than they should, or nothing


def cover(
    dataset: str,
    settings: dict[str, Any],
    versions: dict[str, str],
    fingerprint: str,
    listing: Listing,
    rows: list[Row],
) -> Coverage:
    """Counts what became of the files."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for row in rows:
        count = counts.setdefault(row.split, {}).setdefault(row.source.method, Counter())
        count["expected"] += 1
        count["frames"] += row.status.decoded
        count["filled"] += row.status.filled
        count["crops"] += row.status.crops
        count[_outcome(row.status)] += 1
    for split, methods in listing.official.items():
        for method, official in methods.items():
            counts.setdefault(split, {}).setdefault(method, Counter())["official"] = official
    table = {
        split: {method: _counted(n) for method, n in sorted(methods.items())}
        for split, methods in sorted(counts.items())
    }
    source = {
        "files": len(listing.files),
        "refused": len(listing.refused),
        "other_files": listing.others,
        "fingerprint": fingerprint,
    }
    made_of = json.dumps([dataset, settings, source, versions], sort_keys=True)
    manifest = hashlib.sha256(made_of.encode()).hexdigest()
    return Coverage(dataset, settings, source, versions, manifest, table, _remarks(listing, rows))


def write(folder: Path, coverage: Coverage) -> None:
    """Writes coverage.json."""
    text = json.dumps(coverage._asdict(), indent=1, ensure_ascii=False)
    write_atomically(folder / FILE_NAME, text + "\n")


def read(folder: Path) -> Coverage | None:
    """What coverage.json of an earlier run says; None if there is none, or it is of something else."""
    try:
        return Coverage(**json.loads((folder / FILE_NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def manifest(dataset: Path) -> str:
    """The manifest hash of a prepared dataset; '' for one that has none, being drawn by a program.

    Args:
        dataset: its folder, OUT/NAME/VERSION.
    """
    found = read(dataset.resolve().parent.parent)
    return found.manifest if found else ""


def ground_truth(dataset: Path) -> str:
    """Where the masks of a dataset come from, in words.

    Args:
        dataset: folder of the prepared dataset, OUT/NAME/VERSION.
    """
    found = read(dataset.resolve().parent.parent)
    return str((found.settings if found else {}).get("masks", GIVEN_MASKS))


def remarks(coverage: Coverage) -> list[str]:
    """One line for every file that gave less than it should, grouped and counted."""
    groups: dict[str, list[str]] = {}
    for entry in coverage.files:
        kind, _, why = entry["status"].partition(": ")
        groups.setdefault(kind, []).append(f"  {entry['file']}" + (f": {why}" if why else ""))
    lines = []
    for kind, files in groups.items():
        lines += [f"{kind} ({len(files)}):", *files]
    return lines


def table(coverage: Coverage) -> list[str]:
    """The counts as lines of a small table."""
    heads = ("files", "with a face", "no face", "unreadable", "frames", "filled", "crops")
    cells: list[tuple[str, ...]] = [("split", "method", *heads, "official")]
    for split in sorted(coverage.coverage, key=("train", "val", "test").index):
        for method, count in coverage.coverage[split].items():
            official = str(count.get("official", "-"))
            cells.append((split, method, *(str(count[key]) for key in _COUNTS), official))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in cells]


def too_few(coverage: Coverage, share: float) -> str:
    """The first part of which less than this share of the videos has a face, in words; '' if none.

    The share is of all videos that there should be: the official count where there is one.
    """
    for split, methods in coverage.coverage.items():
        for method, count in methods.items():
            wanted = max(count["expected"], count.get("official", 0))
            if count["found"] < share * wanted:
                return (
                    f"{method} of {split}: {count['found']} of {wanted} videos gave a face, fewer than "
                    f"{share:.1%}"
                )
    return ""


def _counted(count: Counter[str]) -> dict[str, int]:
    official = {"official": count["official"]} if "official" in count else {}
    return {key: count[key] for key in _COUNTS} | official


def _outcome(status: Status) -> str:
    if status.failure:
        return "unreadable"
    return "found" if status.crops else "no_face"


def _remarks(listing: Listing, rows: list[Row]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {"file": item.relative, "status": f"refused: {item.why}"} for item in listing.refused
    ]
    for source, split, status in rows:
        where = {
            "file": source.relative,
            "split": split,
            "method": source.method,
            "label": source.label,
            "video_id": source.video_id,
            "identity": source.identity,
        }
        if status.word != "ok":
            entries.append({**where, "status": status.word})
        elif cut_short(status.expected, status.decoded):
            short = f"{status.decoded} of {status.expected} frames decode"
            entries.append({**where, "status": f"cut short: {short}"})
    for entry in entries:  # a name may be no UTF-8, which neither JSON nor a terminal takes
        entry["file"] = entry["file"].encode("utf-8", "backslashreplace").decode()
    return sorted(entries, key=lambda entry: (entry["status"].partition(":")[0], entry["file"]))
