"""A table of scores, a row for each video, from `scores.csv` or from a file of another tool."""

import csv
import dataclasses
import hashlib
import io
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.missing_videos import OK
from jaxfake.evaluation.stored_scores import people
from jaxfake.evaluation.stored_scores.columns import (
    ColumnReader,
    ScoreColumns,
    column_reader,
    read_label,
)
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular

if TYPE_CHECKING:
    from _csv import Reader

NO_SCORE = "no score"
"""Status of a video for which another tool gives no score."""

_MOST_BYTES = 1 << 29
"""Some five million rows."""

_METHODS = {schema.REAL: schema.REAL_METHOD, schema.FAKE: "fake", schema.UNKNOWN: "unknown"}
"""The manipulation of a video where the file gives none."""

VideoKey = tuple[str, str, str]
"""Dataset, manipulation and video."""


@dataclasses.dataclass(frozen=True, eq=False)
class ScoreTable:
    """The scores of v videos, in the order of the file.

    Attributes:
        name: of the file, for messages.
        sha256: of the file.
        dataset, method, video_id: str [v], as objects.
        identity: str [v], as objects: who is shown; '' where that is not known.
        person: int64 [v], a number for each person of a dataset; a video without an identity is its own.
        label: int32 [v], 0 real, 1 fake, -1 unknown.
        score: float64 [v], larger for fakes; NaN if there is none.
        status: str [v], as objects.
        frames: int64 [v], how many frames were scored; -1 if it is not known.
        probability: whether all scores are from 0 to 1.
    """

    name: str
    sha256: str
    dataset: np.ndarray
    method: np.ndarray
    video_id: np.ndarray
    identity: np.ndarray
    person: np.ndarray
    label: np.ndarray
    score: np.ndarray
    status: np.ndarray
    frames: np.ndarray
    probability: bool

    def __len__(self) -> int:
        return len(self.label)

    @property
    def scored(self) -> np.ndarray:
        """The videos that count: those with a score and a known label, bool [v]."""
        return np.isfinite(self.score) & (self.label != schema.UNKNOWN)

    @property
    def people_known(self) -> bool:
        """Whether the file, or `people.csv` beside it, says who is shown."""
        return any(self.identity)

    def keys(self) -> list[VideoKey]:
        """What each video is known by."""
        return list(zip(self.dataset, self.method, self.video_id, strict=True))

    def rows(self, chosen: np.ndarray) -> "ScoreTable":
        """Some videos: bool [v], or their numbers in the wanted order."""
        changes = {
            field.name: getattr(self, field.name)[chosen]
            for field in dataclasses.fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        return dataclasses.replace(self, **changes)


class _Row(NamedTuple):
    """What one line of a file says, see `ScoreTable`."""

    dataset: str
    method: str
    video_id: str
    identity: str
    label: int
    score: float
    status: str
    frames: int


def read_scores(path: Path, given: ScoreColumns) -> ScoreTable:
    """The table in a CSV file.

    Args:
        path: the file, with a header.
        given: what is said of the columns of a file of another tool.

    Raises:
        InputError: it cannot be read, has no rows, names a video twice, or has a row that is not usable;
            the message names the line.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise InputError(f"{path} is over the limit of {_MOST_BYTES >> 20} MiB")
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
            reader, rows = _read(lines, path, given)
    except FileNotFoundError:
        raise InputError(f"{path} is not there: give the path of a file of scores") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}") from error
    return _table(path, sha256, reader, rows)


def _read(lines: "Reader", path: Path, given: ScoreColumns) -> tuple[ColumnReader, list[_Row]]:
    header = next(lines, None)
    if header is None:
        raise InputError(f"{path} is empty")
    reader, rows, dataset = column_reader(header, given, str(path)), [], path.stem
    for line in lines:
        if not line:
            continue
        try:
            if len(line) != len(header):
                raise InputError(f"it has {len(line)} columns and the header {len(header)}")
            rows.append(_parsed(line, reader, dataset))
        except InputError as error:
            raise InputError(f"{path}, line {lines.line_num}: {error}") from None
    if not rows:
        raise InputError(f"{path} has a header and no rows")
    return reader, rows


def _parsed(line: list[str], reader: ColumnReader, dataset: str) -> _Row:
    """One line; equal names are kept once."""
    line.append("")  # what a column that the file lacks holds
    at, text = reader.place, _own_text if reader.ours else sys.intern
    label, score = read_label(line[at["label"]], reader), _score(line[at["score"]])
    video_id = text(line[at["video_id"]])
    if not video_id:
        raise InputError("its video_id is empty")
    return _Row(
        dataset=text(line[at["dataset"]]) or dataset,
        method=text(line[at["method"]]) or _METHODS[label],
        video_id=video_id,
        identity=text(line[at["identity"]]),
        label=label,
        score=score,
        status=text(line[at["status"]]) or (NO_SCORE if math.isnan(score) else OK),
        frames=_count(line[at["frames"]]),
    )


def _own_text(text: str) -> str:
    """A name as it was before `score_files` kept it from being a formula."""
    return sys.intern(text.removeprefix("'"))


def _table(path: Path, sha256: str, reader: ColumnReader, rows: list[_Row]) -> ScoreTable:
    values: dict[str, Any] = dict(zip(_Row._fields, zip(*rows, strict=True), strict=True))
    keys = [row[:3] for row in rows]
    _refuse_twice(keys, path)
    identity = values["identity"]
    if reader.ours and not reader.has_identity:
        identity = people.read(path.with_name(people.FILE_NAME), keys)
    score = np.array(values["score"])
    known = score[np.isfinite(score)]
    probability = bool(((known >= 0) & (known <= 1)).all())
    if reader.fake_low:
        score = 1 - score if probability else -score
    return ScoreTable(
        name=str(path),
        sha256=sha256,
        dataset=np.array(values["dataset"], object),
        method=np.array(values["method"], object),
        video_id=np.array(values["video_id"], object),
        identity=np.array(identity, object),
        person=_numbered(keys, identity),
        label=np.array(values["label"], np.int32),
        score=score,
        status=np.array(values["status"], object),
        frames=np.array(values["frames"], np.int64),
        probability=probability,
    )


def by_dataset(tables: Sequence[ScoreTable]) -> dict[str, ScoreTable]:
    """The videos of each dataset, by its name.

    Raises:
        InputError: two files have videos of the same dataset.
    """
    parts: dict[str, ScoreTable] = {}
    for table in tables:
        for name in sorted(set(table.dataset)):
            if name in parts:
                raise InputError(
                    f"{parts[name].name} and {table.name} are both of the dataset {name!r}: compare two "
                    "detectors with python -m jaxfake.compare, or name the datasets by a column, "
                    "--columns=dataset=NAME"
                )
            parts[name] = table.rows(table.dataset == name)
    return parts


def _refuse_twice(keys: list[VideoKey], path: Path) -> None:
    if len(set(keys)) == len(keys):
        return
    seen: set[VideoKey] = set()
    for key in keys:
        if key in seen:
            raise InputError(
                f"{path} has the video {'/'.join(key)} twice: a file of scores has one row for each video"
            )
        seen.add(key)


def _numbered(keys: list[VideoKey], identity: list[str]) -> np.ndarray:
    """A number for each person of a dataset; a video without an identity is its own."""
    numbers: dict[tuple[str, ...], int] = {}
    names = zip(keys, identity, strict=True)
    shown = ((key[0], who) if who else key for key, who in names)
    return np.array([numbers.setdefault(one, len(numbers)) for one in shown], np.int64)


def _score(text: str) -> float:
    if not text.strip():
        return math.nan
    try:
        score = float(text)
    except ValueError:
        raise InputError(f"its score is {text[:40]!r}, which is not a number") from None
    if not math.isfinite(score):
        raise InputError(f"its score is {text[:40]!r}: leave it empty if there is none")
    return score


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else -1
