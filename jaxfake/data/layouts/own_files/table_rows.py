"""Reads the rows of a table and checks each by itself; every bad row is named with its line."""

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jaxfake import schema
from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.own_files import folder_words
from jaxfake.data.layouts.untrusted_input import brief, frames_fault, read_text
from jaxfake.faces.media import is_image, is_video
from jaxfake.runtime.errors import InputError

NEEDED = ("path", "label")
COLUMNS = (*NEEDED, "video", "identity", "split", "manipulation", "mask", "original")

_LABELS = {
    "real": schema.REAL,
    "0": schema.REAL,
    "fake": schema.FAKE,
    "1": schema.FAKE,
    "unknown": schema.UNKNOWN,
}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}

_ADVICE = "give --manifest a CSV file in UTF-8 with the columns path and label"


@dataclass(frozen=True)
class Row:
    """One row; what it does not say is ''."""

    line: int
    path: str  # relative to the source, as is everything below that is a path
    label: int
    video: str
    identity: str
    split: str
    manipulation: str
    mask: str
    original: str


@dataclass(frozen=True)
class Rows:
    """The rows of a table.

    Attributes:
        rows: the usable ones.
        faults: lines that are not, and why.
        count: of all rows.
        unread: columns of other names.
    """

    rows: list[Row]
    faults: list[tuple[int, str]]
    count: int
    unread: list[str]


@dataclass(frozen=True)
class _Place:
    """What the paths are relative to, and whether links may lead out of it."""

    root: Path
    follow_links: bool


class _BadRow(Exception):
    """A row is not usable. The text says why."""


def read(table: Path, root: Path, follow_links: bool = False) -> Rows:
    """Reads a table whose paths are relative to `root`, which has to be resolved.

    Links may lead out of the root if `follow_links`.

    Raises:
        InputError: it is not a table with the needed columns.
    """
    text = read_text(table, _ADVICE)
    delimiter, header = _header(table, text)
    rows: list[Row] = []
    faults: list[tuple[int, str]] = []
    lines: dict[Path, int] = {}
    count = 0
    for line, cells in _cells(table, text, delimiter):
        count += 1
        try:
            row = _row(_Place(root, follow_links), line, header, cells)
            before = lines.setdefault((root / row.path).resolve(), line)
            if before != line:
                raise _BadRow(f"{row.path} is in line {before} already")
            rows.append(row)
        except _BadRow as bad:
            faults.append((line, str(bad)))
    return Rows(rows, faults, count, [name for name in header if name not in COLUMNS])


def _header(table: Path, text: str) -> tuple[str, list[str]]:
    """The delimiter and the names of the columns: the one delimiter by which the needed ones are found."""
    lines = (line.rstrip("\r\n") for line in io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip(" \t,;")), "")
    found = []
    for delimiter in _DELIMITERS:
        names = [
            name.strip().casefold() for name in next(csv.reader([first], delimiter=delimiter), [])
        ]
        if set(NEEDED) <= set(names):
            found.append((delimiter, names))
    if len(found) != 1:
        raise InputError(
            f"{table} begins with {brief(first)}; expected are the columns {', '.join(NEEDED)}, and "
            f"perhaps {', '.join(COLUMNS[len(NEEDED) :])}, parted by commas, semicolons or tabs"
        )
    delimiter, names = found[0]
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise InputError(f"{table} has the column {twice[0]} twice: remove one")
    return delimiter, names


def _cells(table: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row below the header that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = True
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if not header:
                    yield reader.line_num, cells
                header = False
    except csv.Error as error:
        raise InputError(f"{table}, line {reader.line_num}: {error}") from error


def _row(place: _Place, line: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(header):
        raise _BadRow(f"it has {len(cells)} cells, and the header has {len(header)}")
    by_name = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    said = {name: by_name.get(name, "") for name in COLUMNS}
    if any(unicodedata.category(letter) == "Cc" for value in said.values() for letter in value):
        raise _BadRow("it holds control characters")
    label = _LABELS.get(said["label"].casefold())
    if label is None:
        raise _BadRow(f"the label is {brief(said['label'])}, not real, fake, 0, 1 or unknown")
    row = Row(
        line=line,
        path=_path(place, said["path"], "path"),
        label=label,
        video=said["video"],
        identity=said["identity"],
        split=_split(said["split"]),
        manipulation="" if label == schema.REAL else said["manipulation"],
        mask=said["mask"] and _path(place, said["mask"], "mask"),
        original=said["original"] and _path(place, said["original"], "original"),
    )
    _check_manipulation(label, said["manipulation"])
    _check_kinds(place.root, row)
    return row


def _check_manipulation(label: int, name: str) -> None:
    real_name = name.casefold() == schema.REAL_METHOD
    if label == schema.FAKE and real_name:
        raise _BadRow(f"a fake cannot have the manipulation {name}")
    if label == schema.REAL and name and not real_name:
        raise _BadRow(f"a real file cannot have the manipulation {brief(name)}")


def _check_kinds(root: Path, row: Row) -> None:
    """Checks that mask and original are of a fake, and can be read beside it, frame by frame."""
    kind = _kind(root / row.path)
    for column in ("mask", "original"):
        beside = getattr(row, column)
        if beside and row.label != schema.FAKE:
            raise _BadRow(f"it has a value for {column}, and only a fake can have one")
        if beside and (_kind(root / beside) == "picture") != (kind == "picture"):
            raise _BadRow(f"{column} is a {_kind(root / beside)}, and the file is a {kind}")


def _split(text: str) -> str:
    if not text:
        return ""
    split = folder_words.split_of(text)
    if not split:
        raise _BadRow(f"the split is {brief(text)}, not train, val or test")
    return split


def _path(place: _Place, text: str, column: str) -> str:
    """The path in its shortest form, checked: a picture, a video or a folder of pictures in the source."""
    if not text:
        raise _BadRow(f"{column} is empty")
    posix = PurePosixPath(text)
    if posix.is_absolute() or ".." in posix.parts or "\\" in text:
        raise _BadRow(f"{column} {brief(text)} should be relative, with '/', and without '..'")
    fault = _fault(place, place.root / posix)
    if fault:
        raise _BadRow(f"{column} {brief(text)}: {fault}")
    return posix.as_posix()


def _fault(place: _Place, path: Path) -> str:
    """Why a path is not read; '' if it is."""
    if not path.exists():
        return "it is not there"
    if not place.follow_links and safe_paths.leaves(place.root, path):
        return safe_paths.LEAVES
    if path.is_dir():
        return frames_fault(path)
    if not (is_image(path) or is_video(path)):
        return "it is neither a picture nor a video"
    return safe_paths.fault(path)


def _kind(path: Path) -> str:
    if path.is_dir():
        return "folder of pictures"
    return "picture" if is_image(path) else "video"
