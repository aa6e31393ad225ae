"""Small notes beside large arrays: JSON with its own digest, so that damage is noticed."""

import hashlib
import json
from typing import Any


def sealed(content: Any) -> dict[str, Any]:
    """The content and its digest, to be written as JSON."""
    return {"content": content, "sha256": _digest(content)}


def unsealed(note: dict[str, Any]) -> Any:
    """The content.

    Raises:
        ValueError: it is not what was sealed.
    """
    if not isinstance(note, dict) or note.keys() != {"content", "sha256"}:
        raise ValueError("a note is not of the form that is written")
    if _digest(note["content"]) != note["sha256"]:
        raise ValueError("a note differs from what was saved")
    return note["content"]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
