"""Whether the values of a coverage.json are of the kinds that are written: it may have come from anyone."""

from typing import Any

from jaxfake import schema
from jaxfake.runtime.errors import InputError

_TEXTS = ("method", "video_id", "identity")
_LABELS = (schema.REAL, schema.FAKE, schema.UNKNOWN)


def check(content: dict[str, Any]) -> None:
    """Checks the values that results are made from; those of other kinds are only compared or shown.

    Args:
        content: the fields of a `Coverage`.

    Raises:
        InputError: one is of another kind; the message names it.
    """
    for split, methods in content["coverage"].items():
        for method, counts in _group(methods, f"coverage.{split}").items():
            for name, count in _group(counts, f"coverage.{split}.{method}").items():
                if not isinstance(count, int):
                    raise InputError(f"coverage.{split}.{method}.{name} is not a number")
    for number, entry in enumerate(content["files"]):
        _check_file(_group(entry, f"files[{number}]"), f"files[{number}]")
    for name, digest in content.get("written", {}).items():
        if not isinstance(digest, str):
            raise InputError(f"written.{name} is not a text")


def _check_file(entry: dict[str, Any], where: str) -> None:
    of_a_split = ("split", *_TEXTS) if "split" in entry else ()
    for name in ("file", "status", *of_a_split):
        if not isinstance(entry.get(name), str):
            raise InputError(f"{where}.{name} is not a text")
    if of_a_split and not (type(entry.get("label")) is int and entry["label"] in _LABELS):
        raise InputError(f"{where}.label is not one of {_LABELS}")
    if not isinstance(entry.get("content", ""), str):
        raise InputError(f"{where}.content is not a text")


def _group(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} is not a group of values")
    return value
