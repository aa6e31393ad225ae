"""What a checkpoint has on disk, compared with what it should have, before any of its arrays is read.

A checkpoint may come from anyone. The library that reads its arrays follows links, waits for pipes, and
takes as much memory as the files say they need. So first all files must be regular ones and not too large;
then the description of every array, which is small, must say just what the model has.
"""

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorstore

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json

DESCRIPTION = "_CHECKPOINT_METADATA"
"""Of the folder of a checkpoint: when it was made and what is in it."""

METADATA, MANIFEST = "_METADATA", "manifest.ocdbt"
"""Of the folder of the state: names, kinds and places of its arrays."""

_ARRAYS = "d"
"""The folders with the content of arrays, as the library names them."""

_MOST_FILES = 100_000
_MOST_DESCRIPTION = 1 << 12
"""Bytes of the description of one array; ours take 200."""

_MOST_TEXT = 1 << 20
_MOST_TEXT_EACH = 16 << 10
"""Bytes of a file with text, and more for each array: names, shapes and the devices that held it."""

_SPARE = 64 << 20
_MOST_RATIO = 16
"""Arrays hardly compress; only a fresh optimiser, two thirds of a state, is zeros. Our choice."""


class ArrayShape(NamedTuple):
    """What an array must be."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """Bytes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


def check_listed(folder: Path) -> None:
    """Checks the file of each checkpoint that the library reads when it lists a folder of them.

    Raises:
        InputError: one is a link, not a regular file, or too large; the message names it.
    """
    for path in folder.glob(f"*/{DESCRIPTION}"):
        try:
            _check_file(path, path.name, 0)
        except ValueError as error:
            raise InputError(
                f"checkpoint {path.parent} is damaged ({error}): move it away to use the others"
            ) from error


def check_stored(checkpoint: Path, state: str, arrays: Mapping[str, ArrayShape]) -> None:
    """Checks a checkpoint without reading its arrays.

    Args:
        checkpoint: its folder.
        state: name of the folder of the arrays in it.
        arrays: what must be in it, by the names that the library gives: keys joined by dots.

    Raises:
        ValueError: something is not as it is written; the message names it.
    """
    stored = _check_files(checkpoint, len(arrays))
    needed = sum(array.bytes for array in arrays.values())
    if needed > _SPARE + _MOST_RATIO * stored:
        raise ValueError(f"its arrays would take {needed} bytes, and all its files have {stored}")
    if stored > _SPARE + _MOST_RATIO * needed:
        raise ValueError(f"its files have {stored} bytes, and its arrays take {needed}")
    _check_kind(checkpoint / state, len(arrays))
    _check_arrays(checkpoint / state, arrays)


def _check_files(folder: Path, arrays: int) -> int:
    """Bytes of all files below a folder, each a regular one of its own."""
    files, total = 0, 0
    for place, folders, names in os.walk(folder, onerror=_raise):
        for name in (*folders, *names):
            path = Path(place, name)
            if not stat.S_ISDIR(path.lstat().st_mode):
                files += 1
                total += _check_file(path, str(path.relative_to(folder)), arrays)
            if files > _MOST_FILES:
                raise ValueError(f"it has more than {_MOST_FILES} files")
    return total


def _check_file(path: Path, name: str, arrays: int) -> int:
    """Bytes of a file, which must be a regular one; a link could lead anywhere."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "a pipe, a device or a socket"
        raise ValueError(f"{name} is {kind}, not a regular file")
    if path.parent.name != _ARRAYS and found.st_size > _MOST_TEXT + arrays * _MOST_TEXT_EACH:
        raise ValueError(f"{name} has {found.st_size} bytes, more than it can need")
    return found.st_size


def _raise(error: OSError) -> None:
    raise error


def _check_kind(state: Path, arrays: int) -> None:
    """The one format that is written: others are read from files that are not checked here."""
    if not (state / MANIFEST).exists():
        raise ValueError(f"it has no {state.name}/{MANIFEST}")
    try:
        described = read_json(state / METADATA, _MOST_TEXT + arrays * _MOST_TEXT_EACH)
        kinds = {one["value_metadata"]["value_type"] for one in described["tree_metadata"].values()}
        as_written = kinds <= {"jax.Array", "None"} and not described.get("use_zarr3", False)
    except (InputError, KeyError, TypeError, AttributeError):
        as_written = False
    if not as_written:
        raise ValueError(f"{state.name}/{METADATA} is not of the form that is written")


def _check_arrays(state: Path, arrays: Mapping[str, ArrayShape]) -> None:
    place = {"driver": "ocdbt", "base": f"file://{state.resolve()}/"}
    store = tensorstore.KvStore.open(place).result()
    reads = {name: store.read(f"{name}/.zarray") for name in arrays}
    for name, read in reads.items():
        _check_array(name, read.result().value, arrays[name])


def _check_array(name: str, text: bytes, array: ArrayShape) -> None:
    """The description of an array: a chunk of it, which is read as a whole, is no larger than the array."""
    if not 0 < len(text) <= _MOST_DESCRIPTION:
        raise ValueError(f"{name} has no description" if not text else f"{name} is not described")
    try:
        described = json.loads(text)
        chunks = tuple(map(int, described["chunks"]))
        found = ArrayShape(tuple(described["shape"]), np.dtype(described["dtype"]))
        compressor, filters = described["compressor"], described["filters"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"the description of {name} is damaged ({error})") from error
    if found != array:
        raise ValueError(f"{name} is stored as {found.dtype} {list(found.shape)}")
    if len(chunks) != len(array.shape) or any(
        not 0 < chunk <= max(side, 1) for chunk, side in zip(chunks, array.shape, strict=True)
    ):
        raise ValueError(f"{name} of shape {list(array.shape)} has chunks of {list(chunks)}")
    known = compressor is None or (isinstance(compressor, dict) and compressor.get("id") == "zstd")
    if not known or filters:
        raise ValueError(f"{name} is compressed in a way that is not written")
