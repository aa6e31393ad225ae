"""The table of source files beside a prepared dataset: where each went, its digest and its attributes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxfake.data.preparation import coverage, source_content
from jaxfake.data.preparation.coverage import CoverageRow
from jaxfake.data.preparation.source_facts.attributes import CATEGORIES, FileAttributes
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, write_atomically

FILE_NAME = "sources.json"

_MOST_BYTES = 1 << 28
"""A file takes some 400 bytes of the table."""

_KINDS: dict[str, Any] = {
    "file": str,
    "split": str,
    "method": str,
    "label": int,
    "video_id": str,
    "identity": str,
    "content": str,
    "status": str,
    **{name: str if name in CATEGORIES else (float, type(None)) for name in FileAttributes._fields},
}


@dataclass(frozen=True)
class Source:
    """One source file of a prepared dataset."""

    file: str  # relative to the source folder
    split: str
    method: str
    label: int
    video_id: str
    identity: str
    content: str  # sha256 of the file; anything else if it is not known
    status: str  # ok, no_face, unreadable: why
    attributes: FileAttributes


def source_of(row: CoverageRow) -> Source:
    """A source file and the result of its preparation, as a row of the table."""
    source = row.source
    return Source(
        file=coverage.printable(source.relative),
        split=row.split,
        method=source.method,
        label=source.label,
        video_id=source.video_id,
        identity=source.identity,
        content=source_content.own_digest(row.status.content),
        status=row.status.word,
        attributes=row.status.attributes,
    )


def write(dataset: Path, sources: Sequence[Source]) -> None:
    """Writes the table into the folder of a dataset, a line for each file."""
    lines = ",\n".join(json.dumps(_line(source)) for source in sources)
    text = f'{{"columns": {json.dumps(list(_KINDS))}, "rows": [\n{lines}\n]}}\n'
    write_atomically(dataset / FILE_NAME, text)


def read(dataset: Path) -> list[Source] | None:
    """The table in the folder of a dataset; None if it was made by an earlier version, or drawn.

    Raises:
        InputError: the table is damaged.
    """
    path = dataset / FILE_NAME
    try:
        table = read_json(path, _MOST_BYTES)
    except FileNotFoundError:
        return None
    if not (isinstance(table, dict) and table.get("columns") == list(_KINDS)):
        raise InputError(f"{path} is damaged: its columns are not {', '.join(_KINDS)}")
    rows = table.get("rows")
    if not (isinstance(rows, list) and all(map(_is_row, rows))):
        raise InputError(f"{path} is damaged: a row has values of other kinds than its columns")
    return [_source(dict(zip(_KINDS, row, strict=True))) for row in rows]


def _line(source: Source) -> list[Any]:
    own = [getattr(source, name) for name in _KINDS if hasattr(source, name)]
    return [*own, *source.attributes]


def _source(values: dict[str, Any]) -> Source:
    attributes = FileAttributes(**{name: values.pop(name) for name in FileAttributes._fields})
    return Source(**values, attributes=attributes)


def _is_row(row: Any) -> bool:
    kinds = _KINDS.values()
    return (
        isinstance(row, list)
        and len(row) == len(kinds)
        and all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True))
    )
