"""A prepared dataset on disk, with random access to its examples.

It may have come from anyone: its files are checked before libraries read them, and each record is compared
with the label by which it was chosen.
"""

import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from jaxfake import schema
from jaxfake.data import picture_digests, split_index
from jaxfake.data.examples import face_name
from jaxfake.data.preparation import coverage
from jaxfake.data.records import decode
from jaxfake.data.split_index import Index, difference, file_name
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, read_bounded
from jaxfake.schema import Example

BYTES_PER_PIXEL = 4
"""A decoded example has RGB and the forgery mask."""

_INFO = "dataset_info.json"
_INFOS = (_INFO, "features.json")
_MOST_INFO_BYTES = 4 << 20
"""Of each file in which TFDS describes a dataset; ours have some thousands."""


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
        """Reads and decodes one example. Its arrays must not be changed.

        Raises:
            InputError: its record is damaged, or another than the index says.
        """
        kept = self._kept.get(row)
        if kept is not None:
            return kept
        example = self._read(row)
        if len(self._kept) < self.keep:
            self._kept[row] = example
        return example

    def landmarks(self, row: int) -> np.ndarray:
        """The landmarks of one example, float32 [68, 2], without decoding its pictures.

        Raises:
            InputError: its record is damaged.
        """
        try:
            return np.asarray(self.source[row][schema.LANDMARKS], np.float32)
        except Exception as error:  # from the library that reads records
            raise self._damaged(row, error) from error

    def _read(self, row: int) -> Example:
        try:
            example = decode(self.source[row])
        except Exception as error:  # from the library that reads records
            raise self._damaged(row, error) from error
        sides = (*example.image.shape[:2], *example.forgery_mask.shape)
        if set(sides) != {self.size}:
            raise InputError(
                f"record {row} of split {self.split!r} of {self.folder} has pictures of {sides} pixels, "
                f"not {self.size}: prepare it again"
            )
        if differs := difference(self.index, row, example, (schema.LABEL,)):
            path = self.folder / file_name(self.split)
            raise InputError(f"{differs}: delete {path}, and it is made anew from the records")
        return example

    def _damaged(self, row: int, error: Exception) -> InputError:
        return InputError(
            f"record {row} of split {self.split!r} of {self.folder} is damaged, prepare it again: "
            f"{_one_line(error)}"
        )

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
    found = sorted({p.parent for depth in depths for p in root.glob(f"{depth}{_INFO}")})
    return [folder for folder in found if ".incomplete" not in str(folder)]


def open_split(root: Path, split: str, size: int | None, memory_mb: int = 0) -> FaceDataset:
    """Opens a split of the dataset in `root`, whose crops must be of `size` pixels.

    Args:
        root: folder in or below which the dataset is.
        split: its name.
        size: of the crops; None for whatever they have.
        memory_mb: most memory for decoded examples, in MiB.

    Raises:
        InputError: there is no such dataset or split, its crops have another size, or files are damaged.
    """
    folder = find(root)
    _check_files(folder)
    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:
        raise InputError(f"{folder} is damaged, prepare it again: {_one_line(error)}") from error
    if split not in builder.info.splits or not builder.info.splits[split].num_examples:
        have = ", ".join(builder.info.splits)
        raise InputError(f"{folder} has no examples in its split {split!r} (it has {have})")
    missing = [key for key in Example._fields if key not in builder.info.features]
    if missing:
        raise InputError(
            f"{folder} was prepared by an earlier version, without {missing[0]}: prepare it again"
        )
    stored = builder.info.features[schema.IMAGE].shape[0]
    size = min(stored, schema.MOST_SIDE) if size is None else size
    if stored != size:
        raise InputError(
            f"{folder} holds crops of {stored} pixels: set --config.data.size={stored}"
        )
    try:
        source = builder.as_data_source(split, decoders=_raw_pictures(builder))
        index = split_index.read_or_make(folder, split, source)
        content = picture_digests.read_or_make(folder, split, source)
    except InputError:
        raise
    except Exception as error:  # from many libraries below
        raise InputError(
            f"split {split!r} of {folder} is damaged, prepare it again: {_one_line(error)}"
        ) from error
    keep = (memory_mb << 20) // (size * size * BYTES_PER_PIXEL)
    return FaceDataset(folder, split, size, source, index, keep, content)


def split_names(root: Path) -> list[str]:
    """The splits with examples of the dataset in `root`.

    Raises:
        InputError: there is no such dataset.
    """
    folder = find(root)
    _check_files(folder)
    try:
        splits = tfds.builder_from_directory(folder).info.splits
    except Exception as error:
        raise InputError(f"{folder} is damaged, prepare it again: {error}") from error
    return [name for name, split in splits.items() if split.num_examples]


def _check_files(folder: Path) -> None:
    """Checks the files of a dataset before libraries open them, which would wait for a pipe.

    Raises:
        InputError: one is not a regular file, or a description is too large.
    """
    for path in sorted(folder.iterdir()):
        if path.name in _INFOS:
            read_bounded(path, _MOST_INFO_BYTES)
        elif not path.is_dir() and path.suffix != ".npz":
            open_regular(path).close()


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def empty_split(folder: Path, split: str, size: int) -> FaceDataset:
    """A split without examples."""
    dtypes = {"label": np.int32, "frame": np.int32}
    index = Index(*(np.empty(0, dtypes.get(name, np.str_)) for name in Index._fields))
    return FaceDataset(folder, split, size, (), index)


def without_fakes(faces: FaceDataset) -> FaceDataset:
    """The split without its fakes."""
    return rows_alone(faces, np.flatnonzero(faces.index.label != schema.FAKE))


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
    return rows_alone(faces, np.flatnonzero(at.method != manipulation))


def rows_alone(faces: FaceDataset, kept: np.ndarray) -> FaceDataset:
    """A split of some of the rows, int64 [n], in their order."""
    index = Index(*(column[kept] for column in faces.index))
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
