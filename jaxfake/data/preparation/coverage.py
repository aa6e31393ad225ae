"""What of a source has become of it: coverage.json, and the same for the terminal."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from jaxfake import schema
from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.preparation.crop_files import Status, cut_short
from jaxfake.runtime.files import write_atomically

FILE_NAME = "coverage.json"

MISSING = "missing"
"""Status of what should be there by the dataset's own lists, followed by ': why'."""

GIVEN_MASKS = "as the dataset gives them"

COUNTS = ("expected", "found", "no_face", "unreadable", "frames", "filled", "crops")
"""Of a split and method: files listed, with a face, without, and unreadable; frames decoded, of these
filled between two others, and crops."""

MASKS = ("masks", "masked_crops")
"""Of a manipulation: videos of which any crop has a mask, and such crops."""


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
        count["masks"] += row.status.masked > 0
        count["masked_crops"] += row.status.masked
        count[_outcome(row.status)] += 1
    for split, methods in listing.official.items():
        for method, official in methods.items():
            counts.setdefault(split, {}).setdefault(method, Counter())["official"] = official
    table = {
        split: {method: _counted(method, n) for method, n in sorted(methods.items())}
        for split, methods in sorted(counts.items())
    }
    source = {
        "files": len(listing.files),
        "refused": len(listing.refused),
        "missing": len(listing.missing),
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


def too_few(coverage: Coverage, share: float) -> str:
    """The first part of which less than this share of the videos has a face, in words; '' if none.

    The share is of all videos that there should be: the official count where there is one. Where there
    is none, and folders or archives are missing, nobody knows the share, so it is none.
    """
    for split, methods in coverage.coverage.items():
        for method, count in methods.items():
            wanted = max(count["expected"], count.get("official", 0))
            if count["found"] < share * wanted:
                return (
                    f"{method} of {split}: {count['found']} of {wanted} videos gave a face, fewer than "
                    f"{share:.1%}"
                )
    missing = [one["file"] for one in coverage.files if one["status"].startswith(MISSING)]
    if share and missing and not _has_official(coverage):
        return f"{len(missing)} folders or archives are missing, such as {missing[0]}"
    return ""


def _has_official(coverage: Coverage) -> bool:
    methods = (count for by_method in coverage.coverage.values() for count in by_method.values())
    return any("official" in count for count in methods)


def _counted(method: str, count: Counter[str]) -> dict[str, int]:
    """Reals have no masks to miss; what is missing is known where the whole is."""
    keys = COUNTS if method == schema.REAL_METHOD else COUNTS + MASKS
    counted = {key: count[key] for key in keys}
    if "official" in count:
        missing = max(0, count["official"] - count["expected"])
        counted |= {"official": count["official"], "missing": missing}
    return counted


def _outcome(status: Status) -> str:
    if status.failure:
        return "unreadable"
    return "found" if status.crops else "no_face"


def _cut_short(source: SourceFile, status: Status) -> bool:
    """Of a folder of pictures no frame is lost by rounding."""
    if source.path.is_dir():
        return status.decoded < status.expected
    return cut_short(status.expected, status.decoded)


def _remarks(listing: Listing, rows: list[Row]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {"file": item.relative, "status": f"{kind}: {item.why}"}
        for kind, items in (("refused", listing.refused), (MISSING, listing.missing))
        for item in items
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
        elif _cut_short(source, status):
            short = f"{status.decoded} of {status.expected} frames decode"
            entries.append({**where, "status": f"cut short: {short}"})
    for entry in entries:  # a name may be no UTF-8, which neither JSON nor a terminal takes
        entry["file"] = entry["file"].encode("utf-8", "backslashreplace").decode()
    return sorted(entries, key=lambda entry: (entry["status"].partition(":")[0], entry["file"]))
