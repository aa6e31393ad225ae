"""What was fitted to data as JSON holds it: with a digest of all of it, or why there is none."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.typed_values import build

_DIGEST = "sha256"


def digest(fitted: Any) -> str:
    """sha256 over all that a dataclass holds."""
    text = json.dumps(dataclasses.asdict(fitted), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def to_json(fitted: Any, reason: str) -> dict[str, Any]:
    """The values of a dataclass and their digest; of an `Undefined`, its reason by the key `reason`."""
    if isinstance(fitted, Undefined):
        return {reason: fitted.reason}
    return dataclasses.asdict(fitted) | {_DIGEST: digest(fitted)}


def from_json(kind: type, values: Any, name: str, reason: str, path: Path, remedy: str) -> Any:
    """The dataclass, or the `Undefined`, that `to_json` made these values of.

    Args:
        kind: the dataclass.
        values: of the file at `path`, from anywhere.
        name: what they are called in messages.
        reason: see `to_json`.
        remedy: what to do about a damaged file.

    Raises:
        InputError: they are damaged.
    """
    if isinstance(values, dict) and values.keys() == {reason}:
        return Undefined(str(values[reason]))
    try:
        written = values.pop(_DIGEST, None) if isinstance(values, dict) else None
        fitted = build(kind, values, name)
    except InputError as error:
        raise InputError(f"{path} is damaged, or of another version: {error}; {remedy}") from error
    if digest(fitted) != written:
        raise InputError(f"{path} is damaged: its digest is not that of its content; {remedy}")
    return fitted
