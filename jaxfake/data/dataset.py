"""A prepared dataset on disk, with random access to its examples.

Beside each split there is an index of everything but pixels and landmarks, so that examples can be chosen
by label, manipulation or video without reading them. It is made when a split is first opened.
"""

import dataclasses
import functools
import hashlib
import io
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from jaxfake import schema
from jaxfake.data.examples import face_name
from jaxfake.data.preparation import coverage
from jaxfake.data.records import decode
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.schema import Example

BYTES_PER_PIXEL = 4
"""A decoded example has RGB and the forgery mask."""


_CONTENT = "content"


class Index(NamedTuple):
    """One row per example of a split, in stored order."""

    label: np.ndarray  # int32 [n]
    method: np.ndarray  # str [n]
    dataset: np.ndarray  # str [n]
    video_id: np.ndarray  # str [n]
    identity: np.ndarray  # str [n]
    frame: np.ndarray  # int32 [n]


@dataclasses.dataclass(frozen=True)
class FaceDataset:
    """One split of a prepared dataset.

    Attributes:
        keep: how many decoded examples stay in memory, the first that are read. Decoding takes most of the
            time of reading.
        content: uint64 [n], a digest of each stored picture; None if it is not known.
    """

    folder: Path
    split: str
    size: int
    source: Any
    index: Index
    keep: int = 0
    content: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.index.label)

    def __getitem__(self, row: int) -> Example:
        """Reads and decodes one example. Its arrays must not be changed."""
        kept = self._kept.get(row)
        if kept is not None:
            return kept
        example = decode(self.source[row])
        if len(self._kept) < self.keep:
            self._kept[row] = example
        return example

    @functools.cached_property
    def _kept(self) -> dict[int, Example]:
        return {}

    def name(self, row: int) -> str:
        """A name of the example for messages."""
        at = self.index
        return face_name(at.dataset[row], at.method[row], at.video_id[row], at.frame[row])

    @functools.cached_property
    def manifest(self) -> str:
        """sha256 over the files, settings and versions that it was prepared from; '' for toy faces."""
        return coverage.manifest(self.folder)

    @functools.cached_property
    def digest(self) -> str:
        """sha256 over manifest, index and sizes of the shards. Checkpoints name the data by it."""
        digest = hashlib.sha256(f"{self.split} {self.size} {self.manifest}".encode())
        for column in self.index:
            digest.update("\n".join(map(str, column.tolist())).encode())
        for shard in sorted(self.folder.glob(f"*-{self.split}.*")):
            digest.update(f"{shard.name} {shard.stat().st_size}".encode())
        return digest.hexdigest()


def find(root: Path) -> Path:
    """The one prepared dataset in or below a folder.

    Raises:
        InputError: there are none, or several.
    """
    if not root.is_dir():
        raise InputError(
            f"{root} is not a folder: give the folder of a prepared dataset, or 'toyfaces'"
        )
    found = _datasets(root)
    if not found:
        raise InputError(
            f"{root} holds no prepared dataset: make one with python -m jaxfake.prepare"
        )
    if len(found) > 1:
        names = ", ".join(str(folder.relative_to(root)) for folder in found)
        raise InputError(f"{root} holds several datasets ({names}): name one of them")
    return found[0]


def holds_dataset(root: Path) -> bool:
    """Whether there is a prepared dataset in or below a folder."""
    return bool(_datasets(root))


def _datasets(root: Path) -> list[Path]:
    depths = ("", "*/", "*/*/", "*/*/*/")
    found = sorted({p.parent for depth in depths for p in root.glob(f"{depth}dataset_info.json")})
    return [folder for folder in found if ".incomplete" not in str(folder)]


def open_split(root: Path, split: str, size: int, memory_mb: int = 0) -> FaceDataset:
    """Opens a split of the dataset in `root`, whose crops must be of `size` pixels.

    Args:
        memory_mb: most memory for decoded examples, in MiB.

    Raises:
        InputError: there is no such dataset or split, its crops have another size, or files are damaged.
    """
    folder = find(root)
    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:
        raise InputError(f"{folder} is damaged, prepare it again: {error}") from error
    if split not in builder.info.splits or not builder.info.splits[split].num_examples:
        have = ", ".join(builder.info.splits)
        raise InputError(f"{folder} has no examples in its split {split!r} (it has {have})")
    missing = [key for key in Example._fields if key not in builder.info.features]
    if missing:
        raise InputError(
            f"{folder} was prepared by an earlier version, without {missing[0]}: prepare it again"
        )
    stored = builder.info.features[schema.IMAGE].shape[0]
    if stored != size:
        raise InputError(
            f"{folder} holds crops of {stored} pixels: set --config.data.size={stored}"
        )
    try:
        source = builder.as_data_source(split, decoders=_raw_pictures(builder))
        index, content = _index(folder, split, source)
    except Exception as error:  # from many libraries below
        raise InputError(
            f"split {split!r} of {folder} is damaged, prepare it again: {error}"
        ) from error
    keep = (memory_mb << 20) // (size * size * BYTES_PER_PIXEL)
    return FaceDataset(folder, split, size, source, index, keep, content)


def split_names(root: Path) -> list[str]:
    """The splits with examples of the dataset in `root`.

    Raises:
        InputError: there is no such dataset.
    """
    folder = find(root)
    try:
        splits = tfds.builder_from_directory(folder).info.splits
    except Exception as error:
        raise InputError(f"{folder} is damaged, prepare it again: {error}") from error
    return [name for name, split in splits.items() if split.num_examples]


def empty_split(folder: Path, split: str, size: int) -> FaceDataset:
    """A split without examples."""
    dtypes = {"label": np.int32, "frame": np.int32}
    index = Index(*(np.empty(0, dtypes.get(name, np.str_)) for name in Index._fields))
    return FaceDataset(folder, split, size, (), index)


def leave_out(faces: FaceDataset, manipulation: str) -> FaceDataset:
    """The split without the fakes of one manipulation.

    Raises:
        InputError: it holds no such fakes.
    """
    at = faces.index
    names = np.unique(at.method[at.label == schema.FAKE]).tolist()
    if manipulation not in names:
        raise InputError(
            f"leave_out={manipulation}: the fakes of {faces.folder}, split {faces.split!r}, are "
            f"{', '.join(names) or 'none'}"
        )
    kept = np.flatnonzero(at.method != manipulation)
    index = Index(*(column[kept] for column in at))
    content = None if faces.content is None else faces.content[kept]
    return dataclasses.replace(
        faces, source=_Rows(faces.source, kept), index=index, content=content
    )


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Some rows of a source, numbered anew."""

    source: Any
    rows: np.ndarray

    def __getitem__(self, row: int) -> Any:
        return self.source[int(self.rows[row])]


def _raw_pictures(builder: tfds.core.DatasetBuilder) -> dict[str, Any]:
    """Settings by which TFDS returns PNG bytes: our own decoder is faster and returns RGB."""
    pictures = (schema.IMAGE, schema.FORGERY_MASK)
    features = builder.info.features
    stored_png = [key for key in pictures if isinstance(features[key], tfds.features.Image)]
    return {key: tfds.decode.SkipDecoding() for key in stored_png}


def _index(folder: Path, split: str, source: Any) -> tuple[Index, np.ndarray]:
    """The index, and a digest of each picture, uint64 [n]."""
    path = folder / f"index-{split}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as columns:
            index = Index(**{name: columns[name] for name in Index._fields})
            content = columns.get(_CONTENT)  # earlier versions wrote none
        if content is not None and len(content) == len(index.label) == len(source):
            return index, content
    index, content = _scan(source)
    _write_beside(path, index, content)
    return index, content


def _scan(source: Any) -> tuple[Index, np.ndarray]:
    columns: dict[str, list[Any]] = {name: [] for name in Index._fields}
    content = np.zeros(len(source), np.uint64)
    for row in range(len(source)):
        record = source[row]
        content[row] = _digest_of(record[schema.IMAGE])
        for name, values in columns.items():
            value = record[name]
            values.append(value.decode() if isinstance(value, bytes) else value)
    dtypes = {"label": np.int32, "frame": np.int32}
    index = Index(**{name: np.asarray(v, dtypes.get(name, str)) for name, v in columns.items()})
    return index, content


def _digest_of(picture: bytes | np.ndarray) -> int:
    """64 bits: among a million pictures, two different ones have the same with a chance of 3 in 10^8."""
    stored = picture if isinstance(picture, bytes) else picture.tobytes()
    return int.from_bytes(hashlib.blake2b(stored, digest_size=8).digest())


def _write_beside(path: Path, index: Index, content: np.ndarray) -> None:
    """Stores the index beside the data; on a read-only disk it is made anew each time."""
    if not os.access(path.parent, os.W_OK):
        return
    file = io.BytesIO()
    columns: dict[str, Any] = index._asdict() | {_CONTENT: content}
    np.savez_compressed(file, **columns)
    write_atomically(path, file.getvalue())
