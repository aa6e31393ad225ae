"""Deepfake Detection Challenge (Dolhansky et al., 2020), the full dataset as it unpacks.

    SOURCE/dfdc_train_part_N/*.mp4, metadata.json    {"x.mp4": {"label": "FAKE", "original": "y.mp4"}}
    SOURCE/validation/*.mp4, labels.csv              filename,label with 1 for a fake
    SOURCE/test/*.mp4, labels.csv or metadata.json   {"x.mp4": {"is_fake": 1}}

The parts may also lie in SOURCE/train, and some of them may be missing. Papers that say DFDC often mean
its preview, which is another dataset: see `dfdc_preview`.

Our choice: training parts are 'train', validation is 'val', test is 'test', as they were published. The
identity is the original's name, so that a real video and all its fakes stay together; who is in it is not
told, and the same person is in several originals. How a fake was made is not told either: the method of
all of them is 'dfdc'.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from jaxfake import schema
from jaxfake.data.layouts import inside
from jaxfake.data.layouts.untrusted import (
    as_object,
    brief,
    check_list,
    is_plain,
    read_object,
    shown,
)
from jaxfake.data.listing import Listing, Refused, SourceFile
from jaxfake.errors import InputError

METHOD = "dfdc"

OFFICIAL: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "train": {schema.REAL_METHOD: 19154, METHOD: 100000},
        "val": {schema.REAL_METHOD: 2000, METHOD: 2000},
        "test": {schema.REAL_METHOD: 2500, METHOD: 2500},
    }
)
"""Of the paper; the test set is the public half of theirs, the 5,000 videos of its labels.csv."""

_SPLITS = {"validation": "val", "test": "test"}

_LAYOUT = (
    "dfdc_train_part_N/ with *.mp4 and metadata.json, validation/ and test/ with *.mp4 and labels.csv; "
    "unpack the archives first"
)
_AGAIN = "get it again from where you have the videos"


class _Entry(NamedTuple):
    """What a list says of one video."""

    fake: bool
    original: str = ""  # name of the real video; '' where it is not told


class _Part(NamedTuple):
    """A folder of videos and its list."""

    folder: Path
    split: str
    source: str  # name of the list
    entries: dict[str, _Entry]


def list_dfdc(root: Path, protocol: Path | None) -> Listing:
    """The videos of the parts that are there.

    Args:
        root: of the dataset.
        protocol: None; the splits are the dataset's folders.

    Raises:
        InputError: the layout is not there, or a list says what it cannot.
    """
    if protocol:
        raise InputError(f"--protocol={protocol}: DFDC has its splits in its folders; leave it out")
    root = root.resolve()
    files: list[SourceFile] = []
    refused: list[Refused] = []
    parts = list(_parts(root, refused))
    originals = _originals(parts)
    names: dict[str, str] = {}
    for part in parts:
        for name in sorted(part.entries):
            file = _file(root, part, name, originals, names)
            if isinstance(file, SourceFile):
                files.append(file)
                names[name] = file.relative
            else:
                refused.append(file)
        refused += _unnamed(root, part)
    if not files:
        raise InputError(_nothing(root, refused))
    files.sort(key=lambda file: file.relative)
    return Listing(files, refused, 0, "by the lists of DFDC", OFFICIAL)


def _nothing(root: Path, refused: list[Refused]) -> str:
    if (root / "dataset.json").is_file():
        return f"{root} is the preview of DFDC, not DFDC: it has a dataset.json and no such folders"
    first = f" ({len(refused)} refused, {refused[0].relative}: {refused[0].why})" if refused else ""
    return f"{root} holds no video of DFDC{first}: expected are {_LAYOUT}"


def _parts(root: Path, refused: list[Refused]) -> Iterator[_Part]:
    for folder, split in _folders(root):
        lists = [name for name in ("labels.csv", "metadata.json") if (folder / name).is_file()]
        relative = folder.relative_to(root).as_posix()
        if inside.leaves(root, folder):
            refused.append(Refused(relative, inside.LEAVES))
        elif not lists:
            refused.append(Refused(relative, "it has neither labels.csv nor metadata.json"))
        else:
            read = _read_csv if lists[0] == "labels.csv" else _read_metadata
            yield _Part(folder, split, lists[0], read(folder / lists[0]))


def _folders(root: Path) -> Iterator[tuple[Path, str]]:
    for above in (root, root / "train"):
        for folder in sorted(above.glob("dfdc_train_part_*")):
            if folder.is_dir():
                yield folder, "train"
    for name, split in _SPLITS.items():
        if (root / name).is_dir():
            yield root / name, split


def _originals(parts: list[_Part]) -> dict[str, Path]:
    """Real videos of the training parts, by name; a fake and its original may lie in different ones."""
    return {
        name: part.folder / name
        for part in parts
        if part.split == "train"
        for name, entry in part.entries.items()
        if not entry.fake and is_plain(name) and os.path.isfile(part.folder / name)
    }


def _file(
    root: Path, part: _Part, name: str, originals: dict[str, Path], names: dict[str, str]
) -> SourceFile | Refused:
    entry = part.entries[name]
    relative = f"{part.folder.relative_to(root).as_posix()}/{shown(name)}"
    path = part.folder / name
    why = _fault(root, path, name, part.source)
    if why or name in names:
        return Refused(relative, why or f"its name is that of {names[name]}")
    original = originals.get(entry.original) if entry.fake else None
    known = original is not None and not inside.leaves(root, original)
    return SourceFile(
        path=path,
        relative=relative,
        label=schema.FAKE if entry.fake else schema.REAL,
        method=METHOD if entry.fake else schema.REAL_METHOD,
        identity=Path((entry.fake and entry.original) or name).stem,
        video_id=path.stem,
        split=part.split,
        original=original if known else None,
    )


def _fault(root: Path, path: Path, name: str, source: str) -> str:
    if not (is_plain(name) and name.endswith(".mp4")):
        return "its name is of no video"
    if not os.path.isfile(path):
        return f"named in {source} but not there"
    return inside.LEAVES if inside.leaves(root, path) else ""


def _unnamed(root: Path, part: _Part) -> Iterator[Refused]:
    for path in sorted(part.folder.glob("*.mp4")):
        if path.name not in part.entries:
            relative = shown(path.relative_to(root).as_posix())
            yield Refused(relative, f"{part.source} does not name it")


def _read_metadata(path: Path) -> dict[str, _Entry]:
    return {
        name: _entry(as_object(value, f"{path}: {shown(name)}"), f"{path}: {shown(name)}")
        for name, value in read_object(path, _AGAIN).items()
    }


def _entry(value: dict[str, object], where: str) -> _Entry:
    if "label" not in value and "is_fake" in value:
        fake = value["is_fake"]
        if not (isinstance(fake, int) and fake in (0, 1)):
            raise InputError(f"{where} should have is_fake 0 or 1, not {brief(fake)}")
        return _Entry(bool(fake))
    label, original = value.get("label"), value.get("original") or ""
    if label not in ("FAKE", "REAL"):
        raise InputError(f"{where} should have the label FAKE or REAL, not {brief(label)}")
    if not isinstance(original, str) or (original and not is_plain(original)):
        raise InputError(
            f"{where} should have the name of a video as original, not {brief(original)}"
        )
    return _Entry(label == "FAKE", original)


def _read_csv(path: Path) -> dict[str, _Entry]:
    check_list(path, _AGAIN)
    entries: dict[str, _Entry] = {}
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
                entries[name] = _Entry(label == "1")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} is no table that can be read: {_AGAIN}") from error
    return entries
