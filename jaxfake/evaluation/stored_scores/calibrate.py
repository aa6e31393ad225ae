"""Fits a calibration to stored validation scores, and refuses what would make it worthless."""

from pathlib import Path

from jaxfake.evaluation.evidence.calibration.calibration import Calibration, Kind
from jaxfake.evaluation.evidence.calibration.fit import Source, fit
from jaxfake.evaluation.stored_scores.table import ScoreTable
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json

_MOST_BYTES = 1 << 26


def fit_stored(kind: Kind, validation: ScoreTable) -> Calibration:
    """The calibration of the videos of a table that have a score and a label.

    Raises:
        InputError: `metrics.json` beside the file says that they are of a test split; or see `fit`.
    """
    used = validation.rows(validation.scored)
    source = Source(
        _split(Path(validation.name)), validation.sha256, people_known=validation.people_known
    )
    try:
        return fit(kind, used.label, used.score, used.person, source)
    except InputError as error:
        raise InputError(f"{validation.name}: {error}") from error


def refuse_shared(validation: ScoreTable, tested: ScoreTable) -> None:
    """Checks that no video and no known person is in both.

    Raises:
        InputError: one is, so that the calibration would have seen what it is tested on.
    """
    shared = set(validation.keys()) & set(tested.keys())
    if shared:
        raise InputError(
            f"{validation.name} and {tested.name} share {len(shared)} videos, such as "
            f"{'/'.join(sorted(shared)[0])}: calibrate on videos that are not tested"
        )
    people = _people(validation) & _people(tested)
    if people:
        raise InputError(
            f"{validation.name} and {tested.name} share {len(people)} people, such as "
            f"{sorted(people)[0][1]!r}: calibrate on people who are not tested"
        )


def _people(table: ScoreTable) -> set[tuple[str, str]]:
    return {(data, who) for data, who in zip(table.dataset, table.identity, strict=True) if who}


def _split(scores: Path) -> str:
    """The split that `metrics.json` beside our own scores names; '' where nothing says it."""
    try:
        metrics = read_json(scores.with_name("metrics.json"), _MOST_BYTES)
    except FileNotFoundError:
        return ""
    split = metrics.get("split") if isinstance(metrics, dict) else None
    return split if isinstance(split, str) else ""
