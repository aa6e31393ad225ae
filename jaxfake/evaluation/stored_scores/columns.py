"""What the columns of somebody's score file mean: which is which, and which way a score points.

A file of jaxfake says it by its header. Of any other file it is asked and never guessed: an AUC of 0.2 may
be of a bad detector, or of one whose scores are P(real).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from jaxfake import schema
from jaxfake.runtime.errors import InputError

Polarity = Literal["fake_high", "fake_low"]
"""Whether the fakes have the larger or the smaller scores."""

NEEDED = ("video_id", "label", "score")
OPTIONAL = ("dataset", "method", "identity", "status", "frames", "faces")

_WORDS = {"real": schema.REAL, "fake": schema.FAKE, "": schema.UNKNOWN}


@dataclasses.dataclass(frozen=True)
class ScoreColumns:
    """How to read a score file that another tool wrote.

    Attributes:
        polarity: of its scores; None if it was not said.
        names: its names of our columns, where they differ.
        fake_label: the number by which it calls a fake; None if its labels are words.
    """

    polarity: Polarity | None = None
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fake_label: int | None = None


@dataclasses.dataclass(frozen=True)
class ColumnReader:
    """Where the columns of one file are, and how to read its labels and scores.

    Attributes:
        ours: whether jaxfake wrote the file, so that its names may begin with an apostrophe.
        place: the number of each column; that after the last for one that the file lacks.
        has_identity: whether the file says who is shown.
        fake_low: whether the fakes have the smaller scores.
        labels: the label of each text.
    """

    ours: bool
    place: Mapping[str, int]
    has_identity: bool
    fake_low: bool
    labels: Mapping[str, int]


def parse_names(pairs: Sequence[str]) -> dict[str, str]:
    """The names of columns from texts such as 'score=prob'.

    Raises:
        InputError: a text is something else, or a column is given twice.
    """
    names: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs) or ours in names:
            raise InputError(
                f"--columns: {pair!r} should be a column of ours, given once, and its name in the file, "
                "such as score=prob"
            )
        names[ours] = theirs
    return names


def column_reader(header: Sequence[str], given: ScoreColumns, name: str) -> ColumnReader:
    """How to read the file `name` with this header.

    Raises:
        InputError: a column is missing or there twice, or the polarity or the label of fakes was not said.
    """
    ours = tuple(header[: len(schema.SCORE_COLUMNS)]) == schema.SCORE_COLUMNS and not given.names
    place = _places(header, given.names, name)
    if not ours and given.polarity is None:
        raise InputError(
            f"{name} was not written by jaxfake: give --polarity=fake_high if its fakes have the larger "
            "scores, or --polarity=fake_low"
        )
    return ColumnReader(
        ours=ours,
        place=dict.fromkeys(NEEDED + OPTIONAL, len(header)) | place,
        has_identity="identity" in place,
        fake_low=given.polarity == "fake_low",
        labels=_labels(ours, given.fake_label),
    )


def read_label(text: str, reader: ColumnReader) -> int:
    """The label of a text.

    Raises:
        InputError: it is none, or a number whose meaning was not said.
    """
    label = reader.labels.get(text)
    if label is None:
        label = reader.labels.get(text.strip().lower())
    if label is not None:
        return label
    if text.strip() in ("0", "1"):
        raise InputError("its label is a number: give --fake_label=1 or --fake_label=0")
    raise InputError(f"its label is {text[:40]!r}: real, fake, 0, 1 or empty are known")


def _labels(ours: bool, fake_label: int | None) -> dict[str, int]:
    if ours:
        fake_label = schema.FAKE
    if fake_label is None:
        return _WORDS
    return {**_WORDS, str(fake_label): schema.FAKE, str(1 - fake_label): schema.REAL}


def _places(header: Sequence[str], names: Mapping[str, str], file: str) -> dict[str, int]:
    unknown = [name for name in names if name not in NEEDED + OPTIONAL]
    if unknown:
        raise InputError(f"--columns: {unknown[0]!r} is not one of {', '.join(NEEDED + OPTIONAL)}")
    places = {}
    for column in NEEDED + OPTIONAL:
        wanted = names.get(column, column)
        found = [n for n, name in enumerate(header) if name == wanted]
        if len(found) > 1:
            raise InputError(f"{file} has the column {wanted!r} {len(found)} times")
        if found:
            places[column] = found[0]
        elif column in NEEDED or column in names:
            raise InputError(
                f"{file} has no column {wanted!r} (it has {', '.join(header)[:300]}): give "
                f"--columns={column}=NAME"
            )
    return places
