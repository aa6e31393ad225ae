"""Reading `metrics.jsonl`, whose last row a kill may have cut short, and whose rows may be damaged."""

import json
from pathlib import Path
from typing import Any, NamedTuple


class MetricRow(NamedTuple):
    """A line, with its end, and the row in it."""

    line: str
    values: dict[str, Any]


def read_rows(path: Path) -> list[MetricRow]:
    """The rows that say of which stage and step they are; none if there is no such file."""
    if not path.is_file():
        return []
    lines = path.read_text("utf-8", "replace").splitlines(keepends=True)
    return [MetricRow(line, row) for line in lines if (row := _row(line)) is not None]


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("stage"), str):
        return None
    return row if type(row.get("step")) is int else None
