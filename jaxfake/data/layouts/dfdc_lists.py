"""Reads the lists of DFDC, metadata.json and labels.csv, without trusting them.

    {"x.mp4": {"label": "FAKE", "split": "train", "original": "y.mp4"}}      metadata.json, training
    {"x.mp4": {"is_fake": 1}}                                                metadata.json, test
    filename,label                                                           labels.csv, 1 for a fake

Only fakes have an original, which is real: a list that says otherwise has its labels the wrong way round.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jaxfake.data.layouts.untrusted_input import (
    as_object,
    brief,
    is_plain,
    read_object,
    read_text,
    shown,
)
from jaxfake.runtime.errors import InputError

_AGAIN = "get it again from where you have the videos"


@dataclass(frozen=True)
class Entry:
    """What a list says about one video."""

    fake: bool
    original: str = ""  # name of the real video; '' if unknown


def read(folder: Path) -> tuple[str, dict[str, Entry]]:
    """The names of the lists in a folder ('' if there are none), and their entries by video name.

    Raises:
        InputError: a list contradicts itself or another one.
    """
    found = [name for name in _READERS if (folder / name).is_file()]
    contents = [_READERS[name](folder / name) for name in found]
    for entries in contents[1:]:
        _compare(folder, found, contents[0], entries)
    entries = {name: entry for one in contents for name, entry in one.items()}
    return " and ".join(found), {name: entries[name] for name in sorted(entries)}


def check_originals(where: str, entries: Mapping[str, Entry], known: Mapping[str, Entry]) -> None:
    """Checks that the originals of a list's fakes are labelled real, in whichever list they are.

    Args:
        where: the list.
        entries: of that list.
        known: of all lists.

    Raises:
        InputError: an original is labelled fake.
    """
    for name, entry in entries.items():
        if entry.original in known and known[entry.original].fake:
            raise InputError(
                f"{where}: {shown(name)} is made from {shown(entry.original)}, which is labelled FAKE "
                f"itself: {_AGAIN}"
            )


def _compare(
    folder: Path, names: list[str], first: dict[str, Entry], second: dict[str, Entry]
) -> None:
    for name in sorted(first.keys() & second.keys()):
        if first[name].fake != second[name].fake:
            raise InputError(
                f"{folder}: {' and '.join(names)} contradict each other about {shown(name)}: {_AGAIN}"
            )


def _read_metadata(path: Path) -> dict[str, Entry]:
    return {
        name: _entry(as_object(value, f"{path}: {shown(name)}"), f"{path}: {shown(name)}")
        for name, value in read_object(path, _AGAIN).items()
    }


def _entry(value: dict[str, object], where: str) -> Entry:
    fake, label, original = value.get("is_fake"), value.get("label"), value.get("original") or ""
    if "is_fake" in value and not (isinstance(fake, int) and fake in (0, 1)):
        raise InputError(f"{where} should have is_fake 0 or 1, not {brief(fake)}")
    if "is_fake" in value and "label" not in value:
        label = "FAKE" if fake else "REAL"
    if label not in ("FAKE", "REAL"):
        raise InputError(f"{where} should have the label FAKE or REAL, not {brief(label)}")
    if not isinstance(original, str) or (original and not is_plain(original)):
        raise InputError(
            f"{where} should have the name of a video as original, not {brief(original)}"
        )
    if (label == "REAL" and original) or ("is_fake" in value and bool(fake) != (label == "FAKE")):
        raise InputError(
            f"{where} contradicts itself, it is labelled {label} in {brief(value)}: {_AGAIN}"
        )
    return Entry(label == "FAKE", original)


def _read_csv(path: Path) -> dict[str, Entry]:
    rows = csv.DictReader(io.StringIO(read_text(path, _AGAIN)))
    entries: dict[str, Entry] = {}
    try:
        if not {"filename", "label"} <= set(rows.fieldnames or ()):
            raise InputError(f"{path} should have the columns filename and label: {_AGAIN}")
        for row in rows:
            name, label = row.get("filename"), row.get("label")
            if not name or label not in ("0", "1") or name in entries:
                raise InputError(
                    f"{path}, line {rows.line_num}: every name should appear once, with 0 or 1, "
                    f"and not {brief(list(row.values()))}"
                )
            entries[name] = Entry(label == "1")
    except csv.Error as error:
        raise InputError(f"{path} is not a readable table: {_AGAIN}") from error
    return entries


_READERS: Mapping[str, Callable[[Path], dict[str, Entry]]] = {
    "labels.csv": _read_csv,
    "metadata.json": _read_metadata,
}
