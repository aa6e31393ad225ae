"""Small JSON files beside large arrays, with their own digest, so that damage is noticed."""

import hashlib
import json
from pathlib import Path
from typing import Any

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json

MOST_BYTES = 4 << 20
"""The metadata of a large model take a twentieth of it. More is not read, whatever a file claims to be."""


def checksummed(content: Any) -> dict[str, Any]:
    """The content and its digest, to be written as JSON."""
    return {"content": content, "sha256": _digest(content)}


def _checked(file: dict[str, Any]) -> Any:
    """The content.

    Raises:
        ValueError: it is not what was written.
    """
    if not isinstance(file, dict) or file.keys() != {"content", "sha256"}:
        raise ValueError("the file is not of the form that is written")
    if _digest(file["content"]) != file["sha256"]:
        raise ValueError("it differs from what was saved")
    return file["content"]


def read_checksummed(path: Path) -> Any:
    """The content of a file on disk, which may have come from anywhere.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it cannot be read, is not JSON, larger than any such file, or not what was written.
    """
    try:
        return _checked(read_json(path, MOST_BYTES))
    except InputError as error:
        raise ValueError(str(error)) from error


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
