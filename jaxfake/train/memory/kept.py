"""What the planner has found out, kept in the cache folder under everything that it depends on."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import cache_folder, read_json, write_atomically

VERSION = 3
"""Of what is found out and how; another version's files are not read."""

_MOST_BYTES = 2**20


def kept(what: str, key: str, find: Callable[[], Any]) -> Any:
    """JSON values under a key: found once, then read.

    Args:
        what: a word that the file's name begins with.
        key: what the values depend on, in words.
        find: finds them.
    """
    values = known(what, key)
    if values is None:
        values, path = find(), _path(what, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"found": values, "of": key}))
    return values


def known(what: str, key: str) -> Any:
    """The values that were found before; None if there are none, or their file is damaged."""
    try:
        return read_json(_path(what, key), _MOST_BYTES)["found"]
    except (FileNotFoundError, InputError, KeyError, TypeError):
        return None


def _path(what: str, key: str) -> Path:
    digest = hashlib.sha256(f"{VERSION} {key}".encode()).hexdigest()[:32]
    return cache_folder() / "memory" / f"{what}-{digest}.json"
