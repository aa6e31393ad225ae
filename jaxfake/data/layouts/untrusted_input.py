"""Reads a dataset's own lists and folder names without trusting them."""

import codecs
import json
import os
from pathlib import Path

from jaxfake.faces.media import is_frame
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded

MOST_BYTES = 512 << 20
"""The largest list that is read; it takes a few GB of memory."""


_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte-order marks, as Notepad and PowerShell write them. A list without one is UTF-8."""


def check_list(path: Path, advice: str) -> None:
    """Checks that a list exists and is not too large.

    Raises:
        InputError: otherwise.
    """
    if not os.path.isfile(path):
        raise InputError(f"{path} is not there: {advice}")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} is over the limit of {MOST_BYTES >> 20} MiB: {advice}")


def read_text(path: Path, advice: str) -> str:
    r"""The text of a list: UTF-8, or any UTF with a byte-order mark. All lines end with \n.

    Every list of a dataset is read by this function, so that all of them may come from Windows.

    Args:
        path: the file.
        advice: what to do if it is not usable.

    Raises:
        InputError: see `check_list`; or it cannot be read, or is not such text.
    """
    check_list(path, advice)
    try:
        data = read_bounded(path, MOST_BYTES)
        encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
        text = data.decode(encoding)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {advice}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8 or UTF-16: save it as UTF-8") from error
    if "\0" in text:
        raise InputError(f"{path} holds zero bytes, so it is not UTF-8: save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path, advice: str) -> object:
    """The value in a JSON file.

    Raises:
        InputError: see `read_text`; or it is not JSON.
    """
    try:
        return json.loads(read_text(path, advice))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not readable JSON: {advice}") from error


def read_object(path: Path, advice: str) -> dict[str, object]:
    """The object in a JSON file.

    Args:
        path: the file.
        advice: what to do if it is not usable.

    Raises:
        InputError: see `read_json`; or it is not an object.
    """
    return as_object(read_json(path, advice), str(path))


def as_object(value: object, where: str) -> dict[str, object]:
    """The value, checked to be a JSON object.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where} should hold an object {{...}}, not {brief(value)}")
    return value


def brief(value: object) -> str:
    """Any value in a few characters, safe to print."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def shown(name: str) -> str:
    """A name, made safe to print."""
    return name if name.isprintable() else ascii(name)


def is_plain(name: str) -> bool:
    """Whether a name stays inside its folder and is safe to print."""
    return (
        name.isprintable() and not set(name) & {"/", "\\"} and name.strip() not in ("", ".", "..")
    )


def frames_fault(folder: Path) -> str:
    """Why a folder is not accepted as the frames of a video; '' if it is.

    Links to regular files are left to `safe_paths`.
    """
    try:
        found = sorted(frame_names(folder))
        strange = next((name for name in found if not (folder / name).is_file()), "")
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if not found:
        return "it holds no picture"
    return f"{shown(strange)} in it is not a regular file" if strange else ""


def frame_names(folder: Path) -> set[str]:
    """Names of the pictures in a folder."""
    names = (name for name in os.listdir(folder) if not name.startswith("."))
    return {name for name in names if is_frame(folder / name)}
