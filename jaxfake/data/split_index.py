"""The index of a split: everything of its examples but pixels and landmarks, in a file beside the data.

By it, examples are chosen by label, manipulation or video without being read. It is made from the records
when a split is first opened. A digest beside it says that it was compared with them; without that, it is
compared again, since a label that is wrong there would be the label of a face.
"""

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.examples import face_name
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, read_bounded, sha256, write_atomically

_SAMPLED = 16
"""Records that are compared with the index whenever a split is opened; labels also when one is read."""

_SPARE = 64 << 20
"""Bytes that an index may take in memory beside what the records take on disk; it takes a hundredth."""

_LABELS = (schema.REAL, schema.FAKE, schema.UNKNOWN)


class Index(NamedTuple):
    """One row per example of a split, in stored order."""

    label: np.ndarray  # int32 [n]
    method: np.ndarray  # str [n]
    dataset: np.ndarray  # str [n]
    video_id: np.ndarray  # str [n]
    identity: np.ndarray  # str [n]
    frame: np.ndarray  # int32 [n]


_NUMBERS = ("label", "frame")


def file_name(split: str) -> str:
    """The name of the file of an index."""
    return f"index-{split}.npz"


def read_or_make(folder: Path, split: str, source: Any) -> Index:
    """The index of a split; made anew if its file is missing or is not one.

    Args:
        folder: of the dataset.
        source: its records by row.

    Raises:
        InputError: the index says otherwise than the records, or a record has a label that there is not.
        Exception: a record cannot be read; of the library that reads it.
    """
    path, shards = folder / file_name(split), _shards(folder, split)
    index = _stored(path, len(source), shards)
    if index is None:
        index = _scan(source, path)
        _write(path, index)
    elif _is_ours(path, shards):
        rows = np.unique(np.linspace(0, len(source) - 1, _SAMPLED).astype(int)).tolist()
        _compare(index, source, rows, path)
        return index
    else:
        _compare(index, source, range(len(source)), path)
    _write_digest(path, shards)
    return index


def difference(index: Index, row: int, record: Any, names: tuple[str, ...] = Index._fields) -> str:
    """What a record has otherwise than the index, in words; '' if they agree.

    Args:
        record: a dictionary or an `Example`.
        names: what is compared.
    """
    for name in names:
        says, has = _plain(getattr(index, name)[row]), _value(record, name)
        if says != has:
            at = [str(getattr(index, part)[row]) for part in ("dataset", "method", "video_id")]
            face = face_name(at[0], at[1], at[2], int(index.frame[row]))
            return f"{face} has {name} {has}, where the index says {says}"
    return ""


def _plain(value: Any) -> int | str:
    return str(value) if isinstance(value, str) else int(value)


def _value(record: Any, name: str) -> int | str:
    value = record[name] if isinstance(record, dict) else getattr(record, name)
    if name in _NUMBERS:
        return int(value)
    return value.decode() if isinstance(value, bytes) else str(value)


def _compare(index: Index, source: Any, rows: Iterable[int], path: Path) -> None:
    for row in rows:
        if differs := difference(index, row, source[row]):
            raise InputError(f"{differs}: delete {path}, and it is made anew from the records")


def _shards(folder: Path, split: str) -> dict[str, int]:
    """Bytes of the files of the records, by name."""
    files = sorted(folder.glob(f"*-{split}.*"))
    return {file.name: file.stat().st_size for file in files if file.name != file_name(split)}


def _stored(path: Path, rows: int, shards: dict[str, int]) -> Index | None:
    """The index in a file; None if there is none, or one of another form than is written."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            members = [archive.getinfo(f"{name}.npy") for name in Index._fields]
            if sum(member.file_size for member in members) > _SPARE + sum(shards.values()):
                return None
            return Index(*(_column(archive, member, rows) for member in members))
    except (OSError, InputError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _column(archive: zipfile.ZipFile, member: zipfile.ZipInfo, rows: int) -> np.ndarray:
    """One array. Its header says how much memory it takes, and is checked before the rest is read.

    Raises:
        ValueError: it is of another form than is written.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("such a compression is not written, and not bounded when it is read")
    kind = "i" if member.filename.removesuffix(".npy") in _NUMBERS else "U"
    with archive.open(member) as opened:
        if np.lib.format.read_magic(opened) != (1, 0):
            raise ValueError("it is of another version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(opened)
        if shape != (rows,) or dtype.kind != kind or rows * dtype.itemsize > member.file_size:
            raise ValueError(f"it has {dtype} {shape}")
        data = opened.read()
    if len(data) != rows * dtype.itemsize:
        raise ValueError("it is cut short")
    return np.frombuffer(data, dtype)


def _scan(source: Any, path: Path) -> Index:
    columns: dict[str, list[Any]] = {name: [] for name in Index._fields}
    for row in range(len(source)):
        record = source[row]
        for name, values in columns.items():
            values.append(_value(record, name))
        if columns["label"][-1] not in _LABELS:
            raise InputError(
                f"record {row} has the label {columns['label'][-1]}, where {_LABELS} are known: "
                f"{path.parent} is damaged, prepare it again"
            )
    kinds = dict.fromkeys(_NUMBERS, np.int32)
    return Index(**{name: np.asarray(v, kinds.get(name, np.str_)) for name, v in columns.items()})


def _is_ours(path: Path, shards: dict[str, int]) -> bool:
    """Whether the index is the one that was compared with these records."""
    try:
        return read_bounded(_digest_file(path), 100).decode() == _digest(path, shards)
    except (OSError, InputError, UnicodeDecodeError):
        return False


def _digest_file(path: Path) -> Path:
    # Named apart from 'NAME-SPLIT.SUFFIX': the digest of a dataset counts such files.
    return path.with_name(path.stem.replace("index-", "index_") + ".sha256")


def _digest(path: Path, shards: dict[str, int]) -> str:
    return hashlib.sha256(f"{sha256(path)} {sorted(shards.items())}".encode()).hexdigest()


def _write(path: Path, index: Index) -> None:
    """Stores the index beside the data; on a read-only disk it is made anew each time."""
    if not os.access(path.parent, os.W_OK):
        return
    content = io.BytesIO()
    np.savez_compressed(content, **index._asdict())
    write_atomically(path, content.getvalue())


def _write_digest(path: Path, shards: dict[str, int]) -> None:
    if os.access(path.parent, os.W_OK):
        write_atomically(_digest_file(path), _digest(path, shards))
