"""What the planner has found out, kept in the cache folder under everything that it depends on."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from jaxfake.runtime.files import cache_folder, write_atomically

VERSION = 1
"""Of what is found out and how; another version's files are not read."""


def kept(what: str, key: str, find: Callable[[], Any]) -> Any:
    """JSON values under a key: found once, then read.

    Args:
        what: a word that the file's name begins with.
        key: what the values depend on, in words.
        find: finds them.
    """
    digest = hashlib.sha256(f"{VERSION} {key}".encode()).hexdigest()[:32]
    path = cache_folder() / "memory" / f"{what}-{digest}.json"
    try:
        return json.loads(path.read_text())["found"]
    except (OSError, ValueError, KeyError, TypeError):
        found = find()  # not there, or damaged
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps({"found": found, "of": key}))
    return found
