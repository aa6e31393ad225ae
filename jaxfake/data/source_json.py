"""A source file as JSON holds it, for a process on another machine."""

import dataclasses
from pathlib import Path
from typing import Any

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.faces.clip import Clip

_CLIPS = ("path", "mask", "original", "frames")


def to_json(source: SourceFile) -> dict[str, Any]:
    """Its fields, with absolute paths: a worker has another working folder."""
    fields = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
    paths = {name: _absolute(fields[name]) for name in _CLIPS}
    return {**fields, **paths, "linked": list(source.linked)}


def from_json(fields: dict[str, Any]) -> SourceFile:
    """The source file of such fields."""
    paths = {name: _clip(fields[name]) for name in _CLIPS}
    return SourceFile(**{**fields, **paths, "linked": tuple(fields["linked"])})


def _absolute(clip: Clip | None) -> str | list[str] | None:
    if isinstance(clip, tuple):
        return [str(path.absolute()) for path in clip]
    return None if clip is None else str(clip.absolute())


def _clip(field: str | list[str] | None) -> Clip | None:
    if isinstance(field, list):
        return tuple(map(Path, field))
    return None if field is None else Path(field)
