"""Which files of a source gave crops and which did not: counts and remarks, in coverage.json."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from jaxfake import schema
from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.preparation import coverage_values, taken
from jaxfake.data.preparation.crop_files import CropStatus, ended_early
from jaxfake.data.preparation.source_facts.unread import Unread
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, write_atomically
from jaxfake.runtime.typed_values import build

FILE_NAME = "coverage.json"

MISSING = "missing"
"""Status of a file that the dataset's own lists name and that does not exist, followed by ': reason'."""

UNREADABLE = "unreadable"
"""Status of a file that could not be used, followed by ': reason'."""

REFUSED = "refused"
"""Status of a file that was not opened at all, followed by ': reason'."""

_NOT_TAKEN = (REFUSED, MISSING)

_MOST_BYTES = 32 << 20
"""The most that is read of a coverage.json; a hundred bytes for each file that was not used."""

GIVEN_MASKS = "as the dataset gives them"

COUNTS = ("expected", "found", "no_face", "unreadable", "frames", "filled", "crops")
"""Counts for a split and method: files listed, with a face, without one, and unreadable; frames decoded,
frames with interpolated landmarks, and crops."""

MASKS = ("masks", "masked_crops", "beside_mask")
"""More counts for a manipulation: videos with a mask for any crop, crops with a mask, and videos with
masks that cover nothing of the face in any crop, because the subject is not who was manipulated."""

SUBJECTS = {
    "largest": "the person with the largest faces, in reals and fakes alike",
    "mask": "the person under the forgery mask in fakes that have one, else the one with the largest faces",
}
"""How the subject of a clip with several people is chosen, by the value of --subject."""


NOTHING_UNREAD = Unread()


@dataclass(frozen=True)
class CoverageRow:
    """One source file and the result of its preparation."""

    source: SourceFile
    split: str
    status: CropStatus


@dataclass(frozen=True)
class Coverage:
    """The content of coverage.json."""

    dataset: str
    settings: dict[str, Any]  # the same source and settings give the same dataset
    source: dict[str, Any]  # number of files, and a digest of them
    versions: dict[str, str]  # of the programs and models that made the crops
    manifest: str  # sha256 over source, settings and versions; checkpoints and results name it
    coverage: dict[str, dict[str, dict[str, int]]]  # split, method, count
    files: list[dict[str, Any]]  # the files that gave fewer crops than they should
    joined: dict[str, Any] = field(default_factory=dict)
    """What was joined so that it shares a split, see `source_facts.belonging`."""
    confounds: dict[str, Any] = field(default_factory=dict)
    """How well attributes of the files alone tell the labels, see `evaluation.evidence.confounds`."""
    taken: dict[str, Any] = field(default_factory=dict)
    """What the labels, identities and splits were taken from, see `taken.counts`."""
    unread: dict[str, Any] = field(default_factory=dict)
    """The files that were not read, see `source_facts.unread`."""
    caveats: list[str] = field(default_factory=list)
    """What every result on these data has to say, a sentence each."""
    written: dict[str, str] = field(default_factory=dict)
    """The sha256 of each file of the dataset; none if no file gave a face."""

    @property
    def unreadable(self) -> dict[str, str]:
        """Digests of the files that could not be used, by name; '' for those that could not be read."""
        return {
            one["file"]: one.get("content", "")
            for one in self.files
            if one["status"].startswith(UNREADABLE)
        }


def summarise(
    dataset: str,
    settings: dict[str, Any],
    versions: dict[str, str],
    source_digest: str,
    listing: Listing,
    rows: list[CoverageRow],
    joined: dict[str, Any] | None = None,
    left: Unread = NOTHING_UNREAD,
) -> Coverage:
    """The coverage of a preparation, from the results of all files."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for row in rows:
        count = counts.setdefault(row.split, {}).setdefault(row.source.method, Counter())
        count["expected"] += 1
        count["frames"] += row.status.decoded
        count["filled"] += row.status.filled
        count["crops"] += row.status.crops
        count["masks"] += row.status.masked > 0
        count["masked_crops"] += row.status.masked
        count["beside_mask"] += _is_beside_mask(row.status)
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
        "fingerprint": source_digest,
    }
    made_of = json.dumps([dataset, settings, source, versions], sort_keys=True)
    manifest = hashlib.sha256(made_of.encode()).hexdigest()
    return Coverage(
        dataset=dataset,
        settings=settings,
        source=source,
        versions=versions,
        manifest=manifest,
        coverage=table,
        files=_remarks(listing, rows),
        joined=joined or {},
        taken=taken.counts(replace(listing, files=[row.source for row in rows])),
        unread=asdict(left),
        caveats=[*listing.caveats, *_subject_caveats(settings, rows)],
    )


def write(folder: Path, coverage: Coverage) -> None:
    """Writes coverage.json, which ends with a digest of itself."""
    content = asdict(coverage)
    text = json.dumps(content | {"sha256": _digest(content)}, indent=1, ensure_ascii=False)
    write_atomically(folder / FILE_NAME, text + "\n")


def read(folder: Path) -> Coverage | None:
    """The content of coverage.json; None if there is no such file, it is damaged, or it is not ours."""
    try:
        return load(folder)
    except InputError:
        return None


def load(folder: Path) -> Coverage | None:
    """The content of coverage.json; None if there is no such file.

    Raises:
        InputError: it is damaged, or not of the form that is written; the message names it.
    """
    path = folder / FILE_NAME
    try:
        content = read_json(path, _MOST_BYTES)
    except FileNotFoundError:
        return None
    try:
        if isinstance(content, dict) and content.pop("sha256", None) not in (
            None,
            _digest(content),
        ):
            raise InputError("it differs from what was written")  # earlier versions wrote no digest
        found: Coverage = build(Coverage, content, "coverage")
        coverage_values.check(content)
        return found
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}; prepare the dataset again") from error


def _of(dataset: Path) -> Coverage | None:
    """What is known of a prepared dataset; None if nothing is, as for toy faces.

    Args:
        dataset: its folder, OUT/NAME/VERSION.
    """
    return load(dataset.resolve().parent.parent)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def manifest(dataset: Path) -> str:
    """The manifest hash of a prepared dataset; '' if it has none, as toy faces.

    Args:
        dataset: its folder, OUT/NAME/VERSION.
    """
    found = _of(dataset)
    return found.manifest if found else ""


def ground_truth(dataset: Path) -> str:
    """Says where the forgery masks of a dataset come from.

    Args:
        dataset: folder of the prepared dataset, OUT/NAME/VERSION.
    """
    found = _of(dataset)
    return str((found.settings if found else {}).get("masks", GIVEN_MASKS))


def caveats(dataset: Path) -> list[str]:
    """What every result on a dataset has to say of its data, a sentence each.

    Args:
        dataset: folder of the prepared dataset, OUT/NAME/VERSION.
    """
    found = read(dataset.resolve().parent.parent)
    return [] if found is None else found.caveats


def settings(dataset: Path) -> dict[str, Any]:
    """How a dataset was prepared; empty if nothing says it, as for toy faces.

    Args:
        dataset: folder of the prepared dataset, OUT/NAME/VERSION.
    """
    found = _of(dataset)
    return {} if found is None else found.settings


def people(dataset: Path) -> str:
    """What a reader of results must know of the identities of a dataset; '' if there is nothing.

    Args:
        dataset: folder of the prepared dataset, OUT/NAME/VERSION.
    """
    found = _of(dataset)
    if found is None or not found.taken.get("each_file_its_own_identity"):
        return ""
    return taken.each_its_own(found.source["files"])


def left_out(dataset: Path) -> list[tuple[str, str]]:
    """The files of a dataset's source that were not taken, and why, as (file, reason).

    Args:
        dataset: folder of the prepared dataset, OUT/NAME/VERSION.
    """
    found = _of(dataset)
    files = [] if found is None else found.files
    return [(one["file"], one["status"]) for one in files if one["status"].startswith(_NOT_TAKEN)]


def too_few(coverage: Coverage, share: float) -> str:
    """Names the first split and method with faces in too few of its videos; '' if all have enough.

    The share is of all videos that the dataset should have: the official count where there is one. Where
    there is none, and folders or archives are missing, the share is unknown and therefore too small.
    """
    for split, methods in coverage.coverage.items():
        for method, count in methods.items():
            wanted = max(count["expected"], count.get("official", 0))
            if count["found"] < share * wanted:
                return (
                    f"{method} of {split}: {count['found']} of {wanted} videos gave a face, fewer than "
                    f"{share:.1%}"
                )
    if not share or _has_official(coverage):
        return ""
    missing = [one["file"] for one in coverage.files if one["status"].startswith(MISSING)]
    if missing:
        return f"{len(missing)} folders or archives are missing, such as {missing[0]}"
    return _too_many_left_out(coverage, share)


def _too_many_left_out(coverage: Coverage, share: float) -> str:
    """The share over all files, those that were refused or are of kinds that are not read among them."""
    refused, unread = coverage.source["refused"], coverage.unread.get("may_show_faces", 0)
    rows = [count for methods in coverage.coverage.values() for count in methods.values()]
    found = sum(count["found"] for count in rows)
    wanted = sum(count["expected"] for count in rows) + refused + unread
    if found >= share * wanted:
        return ""
    return (
        f"{found} of {wanted} files gave a face, fewer than {share:.1%}; {unread} are of kinds that are "
        f"not read, and {refused} are refused"
    )


def too_many_unreadable(coverage: Coverage, share: float) -> str:
    """Says how many files could not be read, if they are more than this share of all; '' if not."""
    unreadable, files = len(coverage.unreadable), coverage.source["files"]
    if unreadable <= share * files:
        return ""
    return f"{unreadable} of {files} files are unreadable, more than {share:.1%}"


def _has_official(coverage: Coverage) -> bool:
    methods = (count for by_method in coverage.coverage.values() for count in by_method.values())
    return any("official" in count for count in methods)


def _counted(method: str, count: Counter[str]) -> dict[str, int]:
    """The counts to write. Reals need no masks; how many are missing is known if the official count is."""
    keys = COUNTS if method == schema.REAL_METHOD else COUNTS + MASKS
    counted = {key: count[key] for key in keys}
    if "official" in count:
        missing = max(0, count["official"] - count["expected"])
        counted |= {"official": count["official"], "missing": missing}
    return counted


def _outcome(status: CropStatus) -> str:
    if status.failure:
        return "unreadable"
    return "found" if status.crops else "no_face"


def _is_beside_mask(status: CropStatus) -> bool:
    """Whether masks are known and cover nothing of the faces: another person was manipulated."""
    return status.masked > 0 and not status.manipulated


def _subject_caveats(settings: dict[str, Any], rows: list[CoverageRow]) -> list[str]:
    """Says if the label decided who was cut out of a clip; if not, whom that missed."""
    masked = sum(row.status.masked > 0 for row in rows)
    beside = sum(_is_beside_mask(row.status) for row in rows)
    if settings.get("subject") == "mask":
        return [
            f"The subject of a clip is {SUBJECTS['mask']} (--subject=mask): the label decides who is "
            f"looked at, in {masked} fakes."
        ]
    if beside:
        return [
            f"In {beside} of {masked} fakes with a mask the subject is not who was manipulated."
        ]
    return []


def _ended_early(source: SourceFile, status: CropStatus) -> bool:
    """Whether frames are missing. In a folder of pictures every missing one counts."""
    if source.path.is_dir():
        return status.decoded < status.expected
    return ended_early(status.expected, status.decoded)


def printable(name: str) -> str:
    """The name of a file in coverage.json: neither JSON nor a terminal takes what is not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _remarks(listing: Listing, rows: list[CoverageRow]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {"file": item.relative, "status": f"{kind}: {item.reason}"}
        for kind, items in ((REFUSED, listing.refused), (MISSING, listing.missing))
        for item in items
    ]
    for row in rows:
        source, status = row.source, row.status
        where = {
            "file": source.relative,
            "split": row.split,
            "method": source.method,
            "label": source.label,
            "video_id": source.video_id,
            "identity": source.identity,
        }
        if status.failure:
            entries.append({**where, "status": status.word, "content": status.content})
        elif status.word != "ok":
            entries.append({**where, "status": status.word, "remark": status.remark})
        elif status.remark:
            entries.append({**where, "status": status.remark})
        elif _ended_early(source, status):
            short = f"{status.decoded} of {status.expected} frames decode"
            entries.append({**where, "status": f"cut short: {short}"})
        if status.mask_refusal and status.crops:
            entries.append({**where, "status": f"no mask: {status.mask_refusal}"})
    for entry in entries:
        entry["file"] = printable(entry["file"])
    return sorted(entries, key=lambda entry: (entry["status"].partition(":")[0], entry["file"]))
