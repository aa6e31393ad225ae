"""TFDS builder of a dataset whose crops are already made, one unit per source file."""

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from jaxfake import schema
from jaxfake.data import records
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.prepare import DATASET_VERSION
from jaxfake.data.reproducible_tfds import StableWriter
from jaxfake.schema import Example

_SHARD_BYTES = 256 << 20
"""TFDS holds one shard in memory while it is written."""


class Item(NamedTuple):
    """A source file whose unit holds at least one crop."""

    source: SourceFile
    unit: Path
    stored: int  # bytes of its crops


class Plan(NamedTuple):
    """What goes into the dataset."""

    dataset: str  # the `dataset` of every example
    size: int
    storage: records.Storage
    splits: dict[str, list[Item]]  # none of them empty


class Folder(tfds.core.ShardBasedBuilder):
    """Faces from a person's own folder.

    Shard by shard, because TFDS's other builders shuffle through temporary files, and need TensorFlow
    for that, as soon as a split is larger than 1 GB.
    """

    VERSION = tfds.core.Version(DATASET_VERSION)

    def __init__(self, data_dir: Path, plan: Plan, report: Callable[[], None]) -> None:
        """Prepares to write below `data_dir`; `report` is called once per unit written."""
        self._plan = plan
        self._report = report
        super().__init__(data_dir=data_dir, file_format=records.FILE_FORMAT)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Aligned face crops from a folder of photographs and videos.",
            features=records.face_features(self._plan.size, self._plan.storage),
            disable_shuffling=True,
        )

    def _shard_iterators_per_split(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Mapping[str, Sequence[Callable[[], Iterator[tuple[str, dict[str, Any]]]]]]:
        del dl_manager  # nothing is downloaded
        return {
            split: [partial(self._examples, shard) for shard in _shards(items)]
            for split, items in self._plan.splits.items()
        }

    def _example_writer(self) -> tfds.core.ExampleWriter:
        return StableWriter()

    def _examples(self, shard: list[Item]) -> Iterator[tuple[str, dict[str, Any]]]:
        for item in shard:
            unit = crop_files.load(item.unit)
            for row, frame in enumerate(unit.frames):
                example = self._example(item.source, unit, row)
                yield f"{item.source.relative} {frame}", example
            self._report()

    def _example(self, source: SourceFile, unit: crop_files.Unit, row: int) -> dict[str, Any]:
        size, storage = self._plan.size, self._plan.storage
        blank = np.zeros((size, size), np.uint8)
        mask = unit.masks[row]
        example = Example(
            image=blank,  # replaced below by what the unit holds already encoded
            landmarks=unit.landmarks[row],
            label=source.label,
            method=source.method,
            dataset=self._plan.dataset,
            video_id=source.video_id,
            identity=source.identity,
            frame=int(unit.frames[row]),
            forgery_mask=records.decode_mask(mask) if mask else blank,
            has_mask=bool(mask) or source.label == schema.REAL,
            matrix=unit.matrices[row],
        )
        fields = records.encode(example, storage)
        picture = unit.pictures[row]
        if storage == "png":
            fields[schema.IMAGE] = io.BytesIO(picture)
        else:
            fields[schema.IMAGE] = np.frombuffer(picture, np.uint8).reshape(size, size, 3)
        return fields


def write(below: Path, plan: Plan, report: Callable[[], None]) -> Path:
    """Writes the dataset anew below a folder of our own, and returns the folder that holds it.

    Args:
        below: emptied first.
        plan: what to write.
        report: called once per unit written.
    """
    shutil.rmtree(below, ignore_errors=True)
    builder = Folder(below, plan, report)
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS talks of downloads that there are not
        builder.download_and_prepare()
    return Path(builder.data_dir)


def _shards(items: list[Item]) -> list[list[Item]]:
    shards: list[list[Item]] = [[]]
    filled = 0
    for item in items:
        if filled > _SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append(item)
        filled += item.stored
    return shards
