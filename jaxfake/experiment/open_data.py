"""The data that a config, or a person, names: the splits to train on, and any split to score."""

import dataclasses
import os
import time
from pathlib import Path

from jaxfake.config import Config
from jaxfake.data.dataset import FaceDataset, empty_split, holds_dataset, leave_out, open_split
from jaxfake.data.layouts.folder import list_folder
from jaxfake.data.source_frames import SourceFrames

TOYFACES = "toyfaces"

FRAMES = 32
"""Most frames of a video that is prepared for evaluation; evenly spaced, as the field does it."""


@dataclasses.dataclass(frozen=True)
class TrainingSplits:
    """All that training, and the selection of a model, can see: there is no way to the test split."""

    train: FaceDataset
    val: FaceDataset


def draw_toyfaces(config: Config) -> float:
    """Builds the embedded dataset, if the run uses it and it does not exist; the seconds that it took."""
    if config.data.source != TOYFACES:
        return 0.0

    began = time.monotonic()
    _root(TOYFACES, config)
    return time.monotonic() - began


def training_splits(config: Config, source: str | None = None) -> TrainingSplits:
    """The splits to train on and to select by; the embedded dataset is built on first use.

    Args:
        source: None for the run's own dataset.
    """
    root, data = _root(source or config.data.source, config), config.data
    train, val = (open_split(root, split, data.size, data.memory_mb) for split in ("train", "val"))
    if not data.leave_out:
        return TrainingSplits(train, val)
    return TrainingSplits(leave_out(train, data.leave_out), leave_out(val, data.leave_out))


def test_split(config: Config) -> FaceDataset:
    """The split that results are measured on, after all training."""
    return open_split(_root(config.data.source, config), "test", config.data.size)


def named_split(source: str, split: str, config: Config, prepared: Path) -> FaceDataset:
    """A split of any dataset; a folder of photographs and videos is prepared below `prepared` first.

    All files of such a folder are its test split; without real/ and fake/ in it, their labels are unknown.
    If none of its videos has a face, the split is empty.
    """
    if not _is_raw(source):
        return open_split(_root(source, config), split, config.data.size)
    return _prepared_split(Path(source), split, config, prepared)


def source_frames(source: str) -> SourceFrames | None:
    """The frames of a folder of photographs and videos; None for a prepared dataset: it has only crops."""
    folder = Path(source)
    if not _is_raw(source):
        return None
    return SourceFrames(list_folder(folder, label=_raw_label(folder)))


def _root(source: str, config: Config) -> Path:
    if source != TOYFACES:
        return Path(source)
    from jaxfake.data.toyfaces import builder

    return builder.build(Path(config.data.root), builder.ToyFaces(size=config.data.size))


def _is_raw(source: str) -> bool:
    """Whether this is a folder of photographs and videos."""
    folder = Path(source)
    return source != TOYFACES and folder.is_dir() and not holds_dataset(folder)


def _raw_label(source: Path) -> str | None:
    """The label of every file in a folder of photographs and videos; None where its folders say it."""
    labelled = any((source / name).is_dir() for name in ("real", "fake"))
    return None if labelled else "unknown"


def _prepared_split(source: Path, split: str, config: Config, prepared: Path) -> FaceDataset:
    from jaxfake.data.layouts.registry import SourceOptions
    from jaxfake.data.preparation.cropping import CropOptions
    from jaxfake.data.preparation.prepare import Preparation, dataset_folder, prepare
    from jaxfake.data.preparation.splits import SplitShares

    wanted = Preparation(
        source=source,
        out=prepared / source.resolve().name,
        crops=CropOptions(config.data.size, FRAMES, "png"),
        source_options=SourceOptions(label=_raw_label(source)),
        shares=SplitShares(0.0, 0.0, 1.0),
        workers=len(os.sched_getaffinity(0)),
    )
    if prepare(wanted).dataset is None:
        return empty_split(dataset_folder(wanted.out), split, config.data.size)
    return open_split(dataset_folder(wanted.out), split, config.data.size)
