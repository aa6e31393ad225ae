"""Joins the score tables of several detectors on the videos that all of them scored."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.stored_scores.table import ScoreTable, VideoKey
from jaxfake.runtime.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class AlignedScores:
    """The scores of several tables for the same n videos, in one order.

    Attributes:
        keys: of the videos.
        label: int32 [n], 0 real, 1 fake.
        person: int64 [n], who is shown.
        people_known: whether a table says who is shown.
        scores: float64 [n] for each table, finite.
        left_out: how many videos some table lacks, or has no score or label for.
    """

    keys: list[VideoKey]
    label: np.ndarray
    person: np.ndarray
    people_known: bool
    scores: list[np.ndarray]
    left_out: int


def align(tables: Sequence[ScoreTable]) -> AlignedScores:
    """The videos that every table scores.

    Raises:
        InputError: a video is real by one table and fake by another, or they have no video in common.
    """
    rows = [{key: n for n, key in enumerate(table.keys())} for table in tables]
    _check_labels(tables, rows)
    scored = [
        {key for key, n in at.items() if t.scored[n]} for t, at in zip(tables, rows, strict=True)
    ]
    common = sorted(set.intersection(*scored))
    if not common:
        raise InputError(
            f"{tables[0].name} and {tables[-1].name} have no scored video in common: they compare only on "
            "the same videos"
        )
    places = [np.array([at[key] for key in common]) for at in rows]
    known = next((n for n, table in enumerate(tables) if table.people_known), 0)
    return AlignedScores(
        keys=common,
        label=tables[0].label[places[0]],
        person=tables[known].person[places[known]],
        people_known=tables[known].people_known,
        scores=[table.score[at] for table, at in zip(tables, places, strict=True)],
        left_out=len(set().union(*rows)) - len(common),
    )


def _check_labels(tables: Sequence[ScoreTable], rows: Sequence[dict[VideoKey, int]]) -> None:
    first, at_first = tables[0], rows[0]
    for table, at in zip(tables[1:], rows[1:], strict=True):
        for key in at_first.keys() & at.keys():
            labels = {int(first.label[at_first[key]]), int(table.label[at[key]])}
            if labels == {schema.REAL, schema.FAKE}:
                raise InputError(
                    f"{first.name} and {table.name} give the video {'/'.join(key)} different labels"
                )
