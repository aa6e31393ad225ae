"""Small notes beside large arrays: JSON with its own digest, so that damage is noticed."""

import hashlib
import json
from pathlib import Path
from typing import Any

LARGEST_NOTE = 4 << 20
"""Bytes; that of a large model has a twentieth of it. More is not read, whatever a file claims to be."""


def sealed(content: Any) -> dict[str, Any]:
    """The content and its digest, to be written as JSON."""
    return {"content": content, "sha256": _digest(content)}


def _unsealed(note: dict[str, Any]) -> Any:
    """The content.

    Raises:
        ValueError: it is not what was sealed.
    """
    if not isinstance(note, dict) or note.keys() != {"content", "sha256"}:
        raise ValueError("a note is not of the form that is written")
    if _digest(note["content"]) != note["sha256"]:
        raise ValueError("a note differs from what was saved")
    return note["content"]


def read_sealed(path: Path) -> Any:
    """The content of a note on disk, which may have come from anywhere.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, larger than any note, or not what was sealed.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_NOTE + 1)
    if len(data) > LARGEST_NOTE:
        raise ValueError(f"{path.name} is larger than {LARGEST_NOTE} bytes")
    try:
        return _unsealed(json.loads(data))
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deep") from None


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
