"""What a dataset's own lists and folders say, read without trusting them."""

import json
import os
from pathlib import Path

from jaxfake.data.layouts import inside
from jaxfake.faces.media import is_image
from jaxfake.runtime.errors import InputError

MOST_BYTES = 512 << 20
"""A list of that size takes a few GB once read."""


def check_list(path: Path, advice: str) -> None:
    """Whether a list can be read at all.

    Raises:
        InputError: it is not there, or larger than any list should be.
    """
    if not os.path.isfile(path):
        raise InputError(f"{path} is not there: {advice}")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} is over the limit of {MOST_BYTES >> 20} MiB: {advice}")


def read_object(path: Path, advice: str) -> dict[str, object]:
    """The object that a JSON file holds.

    Args:
        advice: what to do if it is not usable.

    Raises:
        InputError: see `check_list`; or it is no JSON, or holds something else.
    """
    check_list(path, advice)
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON that can be read: {advice}") from error
    return as_object(found, str(path))


def as_object(value: object, where: str) -> dict[str, object]:
    """The value, if it is a JSON object.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where} should hold an object {{...}}, not {brief(value)}")
    return value


def brief(value: object) -> str:
    """A value of any kind in a few characters, safe to print."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def shown(name: str) -> str:
    """A name as it can be printed."""
    return name if name.isprintable() else ascii(name)


def is_plain(name: str) -> bool:
    """Whether a name stays in its folder and can be printed."""
    return (
        name.isprintable() and not set(name) & {"/", "\\"} and name.strip() not in ("", ".", "..")
    )


def frames_fault(root: Path, folder: Path) -> str:
    """Why a folder is not taken as the frames of a video; '' if it can be."""
    if inside.leaves(root, folder):
        return inside.LEAVES
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_symlink()) for entry in entries]
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if any(link for _, link in found):
        return "it holds links"
    return "" if any(map(_is_frame, (name for name, _ in found))) else "it holds no picture"


def frame_names(folder: Path) -> set[str]:
    """Names of the pictures in a folder."""
    return set(filter(_is_frame, os.listdir(folder)))


def _is_frame(name: str) -> bool:
    return not name.startswith(".") and is_image(Path(name))
