"""What the lists of DFDC say of its videos: metadata.json and labels.csv, read without trusting them.

    {"x.mp4": {"label": "FAKE", "split": "train", "original": "y.mp4"}}      metadata.json, training
    {"x.mp4": {"is_fake": 1}}                                                metadata.json, test
    filename,label                                                           labels.csv, 1 for a fake

Only fakes have an original, which is real: a list that says otherwise has its labels the wrong way round.
"""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from jaxfake.data.layouts.untrusted import (
    as_object,
    brief,
    check_list,
    is_plain,
    read_object,
    shown,
)
from jaxfake.runtime.errors import InputError

_AGAIN = "get it again from where you have the videos"


class Entry(NamedTuple):
    """What a list says of one video."""

    fake: bool
    original: str = ""  # name of the real video; '' where it is not told


def read(folder: Path) -> tuple[str, dict[str, Entry]]:
    """Names of the lists of a folder, '' if it has none, and what they say by the name of the video.

    Raises:
        InputError: a list says what it cannot, or another one says otherwise.
    """
    there = [name for name in _READERS if (folder / name).is_file()]
    said = [_READERS[name](folder / name) for name in there]
    for entries in said[1:]:
        _compare(folder, there, said[0], entries)
    entries = {name: entry for one in said for name, entry in one.items()}
    return " and ".join(there), {name: entries[name] for name in sorted(entries)}


def check_originals(where: str, entries: Mapping[str, Entry], known: Mapping[str, Entry]) -> None:
    """Whether the originals of a list's fakes are called real, wherever they are listed.

    Args:
        where: the list.
        entries: its own.
        known: of all lists.

    Raises:
        InputError: an original is called fake.
    """
    for name, entry in entries.items():
        if entry.original in known and known[entry.original].fake:
            raise InputError(
                f"{where}: {shown(name)} is made from {shown(entry.original)}, which is called FAKE "
                f"itself: {_AGAIN}"
            )


def _compare(
    folder: Path, there: list[str], first: dict[str, Entry], second: dict[str, Entry]
) -> None:
    for name in sorted(first.keys() & second.keys()):
        if first[name].fake != second[name].fake:
            raise InputError(
                f"{folder}: {' and '.join(there)} contradict each other about {shown(name)}: {_AGAIN}"
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
            f"{where} contradicts itself, it is called {label} in {brief(value)}: {_AGAIN}"
        )
    return Entry(label == "FAKE", original)


def _read_csv(path: Path) -> dict[str, Entry]:
    check_list(path, _AGAIN)
    entries: dict[str, Entry] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"filename", "label"} <= set(rows.fieldnames or ()):
                raise InputError(f"{path} should have the columns filename and label: {_AGAIN}")
            for row in rows:
                name, label = row.get("filename"), row.get("label")
                if not name or label not in ("0", "1") or name in entries:
                    raise InputError(
                        f"{path}, line {rows.line_num}: expected is each name once, with 0 or 1, "
                        f"not {brief(list(row.values()))}"
                    )
                entries[name] = Entry(label == "1")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} is no table that can be read: {_AGAIN}") from error
    return entries


_READERS: Mapping[str, Callable[[Path], dict[str, Entry]]] = {
    "labels.csv": _read_csv,
    "metadata.json": _read_metadata,
}
