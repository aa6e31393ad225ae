"""What a checkpoint says of its run, read back: nothing beside it is needed, and nothing is believed."""

import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxfake.train.stage import Record


class Noted(NamedTuple):
    """The notes of a checkpoint, see `stage.identity` and `stage.Record`."""

    stage: str
    start: str  # what the stage started from, in words
    data: str  # fingerprint of the data trained on
    manifest: str  # of what they were prepared from; '' if they were drawn
    config: str  # fingerprint of the config
    record: Record | None  # None of an older version, which kept none


def noted(notes: Mapping[str, Any]) -> Noted:
    """The notes as typed values.

    Raises:
        ValueError: they are not of the form that is written.
    """
    return Noted(
        stage=_text(notes, "stage"),
        start=_text(notes, "start"),
        data=_text(notes, "data"),
        manifest=_text(notes, "manifest"),
        config=_text(notes, "config"),
        record=_record(notes["run"]) if "run" in notes else None,
    )


def _text(notes: Mapping[str, Any], name: str) -> str:
    if not isinstance(notes.get(name), str):
        raise ValueError(f"its notes have no {name}")
    return str(notes[name])


def _record(values: Any) -> Record:
    if not isinstance(values, dict):
        raise ValueError("its notes have a damaged 'run'")
    given = {}
    for name, hint in typing.get_type_hints(Record).items():
        value = values.get(name)
        if not isinstance(value, typing.get_origin(hint) or hint):
            raise ValueError(f"its notes have no run.{name}")
        given[name] = value
    return Record(**given)
