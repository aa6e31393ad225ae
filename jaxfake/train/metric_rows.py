"""Reads `metrics.jsonl` line by line: its last row may be cut short by a kill, and any may be damaged.

It takes no more memory than what is kept of it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxfake.runtime.files import open_regular

_MOST_LINE = 64 << 10
"""Bytes of a row; ours have some 600. What is longer is not a row of ours."""


def lines_of_metrics(path: Path) -> Iterator[bytes]:
    """The lines of the file that are not too long, with their ends; none if there is no file.

    Raises:
        InputError: it is not a regular file, or cannot be opened.
    """
    try:
        file = open_regular(path)
    except FileNotFoundError:
        return
    with file:
        whole = True
        while line := file.readline(_MOST_LINE):
            if whole and (line.endswith(b"\n") or len(line) < _MOST_LINE):
                yield line
            whole = line.endswith(b"\n")


def parse_row(line: bytes) -> dict[str, Any] | None:
    """A row of metrics, with its stage and step; None if a kill cut it short, or it is not one."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("stage"), str):
        return None
    is_row = isinstance(row.get("step"), int) and all(map(_is_number, row.values()))
    return row if is_row else None


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float | str)


def rows_of_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of the file, in its order; see `lines_of_metrics`."""
    return (row for line in lines_of_metrics(path) if (row := parse_row(line)) is not None)
