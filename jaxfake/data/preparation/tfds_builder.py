"""TFDS builder of a dataset whose crops are already made, in one crop file per source file."""

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from jaxfake import schema
from jaxfake.data import records
from jaxfake.data.deterministic_writer import DeterministicWriter
from jaxfake.data.encoding import Storage, decode_mask, decode_picture
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.crop_files import EncodedCrops
from jaxfake.data.preparation.versions import DATASET_VERSION
from jaxfake.schema import Example

_SHARD_BYTES = 256 << 20
"""TFDS holds one shard in memory while it is written."""


@dataclass(frozen=True)
class CroppedFile:
    """A source file with at least one crop."""

    source: SourceFile
    crop_file: Path
    stored: int  # bytes of its crops


@dataclass(frozen=True)
class DatasetPlan:
    """What goes into the dataset."""

    dataset: str  # the `dataset` of every example
    size: int
    storage: Storage
    splits: dict[str, list[CroppedFile]]  # none of them empty


Shards = Mapping[str, Sequence[Callable[[], Iterator[tuple[str, dict[str, Any]]]]]]
"""For each split what yields the examples of each of its shards, by key."""


class PreparedFaces(tfds.core.ShardBasedBuilder):
    """Aligned face crops of any source.

    It writes shard by shard, because TFDS's other builders shuffle a split larger than 1 GB through
    temporary files and need TensorFlow for that.
    """

    name = "folder"  # part of the path of every prepared dataset
    VERSION = tfds.core.Version(DATASET_VERSION)

    def __init__(
        self, data_dir: Path, description: str, size: int, storage: Storage, shards: Shards
    ) -> None:
        """Prepares to write below `data_dir`."""
        self._description, self._size = description, size
        self._storage, self._shards = storage, shards
        super().__init__(data_dir=data_dir, file_format=records.FILE_FORMAT)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self._description,
            features=records.face_features(self._size, self._storage),
            disable_shuffling=True,
        )

    def _shard_iterators_per_split(self, dl_manager: tfds.download.DownloadManager) -> Shards:
        del dl_manager  # nothing is downloaded
        return self._shards

    def _example_writer(self) -> tfds.core.ExampleWriter:
        return DeterministicWriter()


def write(below: Path, plan: DatasetPlan, report: Callable[[], None]) -> Path:
    """Writes the dataset below a folder of our own and returns the folder of the dataset.

    Args:
        below: is emptied first.
        plan: what to write.
        report: called after each source file.

    Raises:
        DamagedCropFile: one of the crop files is damaged.
    """
    shards = {
        split: [partial(_examples, plan, shard, report) for shard in _shards(items)]
        for split, items in plan.splits.items()
    }
    description = "Aligned face crops from a folder of photographs and videos."
    return write_shards(below, description, plan.size, plan.storage, shards)


def write_shards(
    below: Path, description: str, size: int, storage: Storage, shards: Shards
) -> Path:
    """Writes a dataset below a folder of our own, which is emptied first; returns the dataset's folder."""
    shutil.rmtree(below, ignore_errors=True)
    builder = PreparedFaces(below, description, size, storage, shards)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(
            io.StringIO()
        ):  # TFDS reports downloads, and there are none
            builder.download_and_prepare()
    except Exception:
        shutil.rmtree(below, ignore_errors=True)  # half a dataset would fill the disk for nothing
        raise
    return Path(builder.data_dir)


def _examples(
    plan: DatasetPlan, shard: list[CroppedFile], report: Callable[[], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in shard:
        crops = crop_files.load(item.crop_file)
        for row, frame in enumerate(crops.frames):
            example = _example(plan, item.source, crops, row)
            yield f"{item.source.relative} {frame}", example
        report()


def _example(
    plan: DatasetPlan, source: SourceFile, crops: EncodedCrops, row: int
) -> dict[str, Any]:
    size, storage = plan.size, plan.storage
    blank = np.zeros((size, size), np.uint8)
    mask = crops.masks[row]
    example = Example(
        image=blank,  # replaced below by the picture that is already encoded
        landmarks=crops.landmarks[row],
        label=source.label,
        method=source.method,
        dataset=plan.dataset,
        video_id=source.video_id,
        identity=source.identity,
        frame=int(crops.frames[row]),
        forgery_mask=decode_mask(mask) if mask else blank,
        has_mask=bool(mask) or source.label == schema.REAL,
        matrix=crops.matrices[row],
    )
    fields = records.encode(example, storage)
    picture = crops.pictures[row]
    if storage == "png":
        fields[schema.IMAGE] = io.BytesIO(picture)
    else:
        fields[schema.IMAGE] = decode_picture(picture, size, storage)
    return fields


def _shards(items: list[CroppedFile]) -> list[list[CroppedFile]]:
    shards: list[list[CroppedFile]] = [[]]
    filled = 0
    for item in items:
        if filled > _SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append(item)
        filled += item.stored
    return shards
