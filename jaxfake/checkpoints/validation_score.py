"""The validation score of a saved state, in a file of its own beside it.

Validation takes long, and the state is saved before it. So the score comes later than the checkpoint,
and Orbax cannot add anything to a checkpoint.
"""

import json
from collections.abc import Callable
from pathlib import Path

from jaxfake.checkpoints.checksummed_json import checksummed, read_checksummed
from jaxfake.runtime.files import write_atomically

_FILE = "score.json"


def write_score(checkpoint: Path, score: float) -> None:
    """Puts the score into the folder of a finished checkpoint."""
    write_atomically(checkpoint / _FILE, json.dumps(checksummed({"score": score})) + "\n")


def read_score(checkpoint: Path, warn: Callable[[str], None]) -> float | None:
    """The score of a checkpoint; None if it has none, or a damaged one, which is said."""
    path = checkpoint / _FILE
    if not path.exists():
        return None
    try:
        return float(read_checksummed(path)["score"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        warn(f"{path} is damaged ({error}): the state counts as not validated")
        return None
