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
from typing import TYPE_CHECKING

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


class _Columns:
    """Grows by a row at a time; equal texts are kept once."""

    def __init__(self) -> None:
        self.names: tuple[list[str], list[str], list[str]] = ([], [], [])
        self.identity: list[str] = []
        self.status: list[str] = []
        self.label, self.frames = [], []  # type: list[int], list[int]
        self.score: list[float] = []

    def add(self, row: list[str], reader: ColumnReader, dataset: str) -> None:
        def text(column: str, otherwise: str = "") -> str:
            value = row[reader.place[column]] if column in reader.place else otherwise
            return sys.intern(value.removeprefix("'") if reader.ours else value)

        label = read_label(text("label"), reader)
        score = _score(text("score"))
        kinds = {schema.REAL: schema.REAL_METHOD, schema.FAKE: "fake", schema.UNKNOWN: "unknown"}
        if not text("video_id"):
            raise InputError("its video_id is empty")
        self.names[0].append(text("dataset", dataset))
        self.names[1].append(text("method", kinds[label]) or kinds[label])
        self.names[2].append(text("video_id"))
        self.identity.append(text("identity"))
        self.label.append(label)
        self.score.append(score)
        self.status.append(text("status") or (NO_SCORE if math.isnan(score) else OK))
        self.frames.append(_count(text("frames")))


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
            reader, columns = _read(lines, path, given)
    except FileNotFoundError:
        raise InputError(f"{path} is not there: give the path of a file of scores") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8: {error}") from error
    return _table(path, sha256, reader, columns)


def _read(lines: "Reader", path: Path, given: ScoreColumns) -> tuple[ColumnReader, _Columns]:
    header = next(lines, None)
    if header is None:
        raise InputError(f"{path} is empty")
    reader, columns = column_reader(header, given, str(path)), _Columns()
    for row in lines:
        if not row:
            continue
        try:
            if len(row) != len(header):
                raise InputError(f"it has {len(row)} columns and the header {len(header)}")
            columns.add(row, reader, path.stem)
        except InputError as error:
            raise InputError(f"{path}, line {lines.line_num}: {error}") from None
    if not columns.label:
        raise InputError(f"{path} has a header and no rows")
    return reader, columns


def _table(path: Path, sha256: str, reader: ColumnReader, columns: _Columns) -> ScoreTable:
    dataset, method, video_id = (np.array(names, object) for names in columns.names)
    keys: list[VideoKey] = list(zip(*columns.names, strict=True))
    _refuse_twice(keys, path)
    identity = columns.identity
    if reader.ours and "identity" not in reader.place:
        identity = people.read(path.with_name(people.FILE_NAME), keys)
    score = np.array(columns.score)
    known = score[np.isfinite(score)]
    probability = bool(((known >= 0) & (known <= 1)).all())
    if reader.fake_low:
        score = 1 - score if probability else -score
    return ScoreTable(
        name=str(path),
        sha256=sha256,
        dataset=dataset,
        method=method,
        video_id=video_id,
        identity=np.array(identity, object),
        person=_numbered(keys, identity),
        label=np.array(columns.label, np.int32),
        score=score,
        status=np.array(columns.status, object),
        frames=np.array(columns.frames, np.int64),
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
