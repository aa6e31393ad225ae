"""A digest of each stored picture of a split, kept in a file beside the data.

By it the same picture in two splits is found. It is made from the records when a split is first opened.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded, write_atomically

_SPARE = 128
"""Bytes of a .npy file beside its numbers."""


def read_or_make(folder: Path, split: str, source: Any) -> np.ndarray:
    """The digests, uint64 [n], of the pictures of a split.

    64 bits: among a million pictures, two different ones have the same with a chance of 3 in 10^8.

    Args:
        folder: of the dataset.
        split: whose records these are.
        source: its records by row, with undecoded pictures.
    """
    # Named apart from 'NAME-SPLIT.SUFFIX': the digest of a dataset counts such files.
    path = folder / f"pictures_{split}.npy"
    stored = _stored(path, len(source))
    if stored is not None:
        return stored
    made = np.array([_digest(source[row][schema.IMAGE]) for row in range(len(source))], np.uint64)
    if os.access(folder, os.W_OK):  # on a read-only disk they are made anew each time
        content = io.BytesIO()
        np.save(content, made)
        write_atomically(path, content.getvalue())
    return made


def _stored(path: Path, rows: int) -> np.ndarray | None:
    """None if there is no such file, or one of another form than is written."""
    try:
        content = read_bounded(path, 8 * rows + _SPARE)
        digests = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, InputError, ValueError, EOFError):
        return None
    is_ours = isinstance(digests, np.ndarray) and digests.dtype == np.uint64
    return digests if is_ours and digests.shape == (rows,) else None


def _digest(picture: bytes | np.ndarray) -> int:
    stored = picture if isinstance(picture, bytes) else picture.tobytes()
    return int.from_bytes(hashlib.blake2b(stored, digest_size=8).digest())
