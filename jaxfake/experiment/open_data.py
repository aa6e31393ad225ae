"""The data that a config, or a person, names: the splits to train on, and any split to score."""

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxfake import schema
from jaxfake.config import Config
from jaxfake.data.dataset import (
    FaceDataset,
    empty_split,
    holds_dataset,
    leave_out,
    open_split,
    rows_alone,
    without_fakes,
)
from jaxfake.data.forgeries.forged_split import forged_split
from jaxfake.data.layouts.listing import Listing
from jaxfake.data.layouts.own_files.folder import gives_labels, list_folder
from jaxfake.data.source_frames import SourceFrames
from jaxfake.data.split_check import SplitCheck, check_splits
from jaxfake.evaluation.evidence.calibration.held_people import held_people
from jaxfake.experiment.start.initial_weights import OWN
from jaxfake.runtime.errors import InputError

TOYFACES = "toyfaces"

TOYFACES_FOLDER = Path("data")
"""Where toy faces are drawn for an evaluation: the folder of the shipped configs, whatever a run's says."""

FRAMES = 32
"""Most frames of a video that is prepared for evaluation; evenly spaced, as the field does it."""


@dataclasses.dataclass(frozen=True)
class TrainingSplits:
    """All that training, and the selection of a model, can see: there is no way to the test split."""

    train: FaceDataset
    val: FaceDataset
    check: SplitCheck  # of all splits


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

    Raises:
        InputError: a split cannot be opened, or two of them share a person or a picture.
    """
    root, data = _root(source or config.data.source, config), config.data
    train, val = (open_split(root, split, data.size, data.memory_mb) for split in ("train", "val"))
    check = check_splits((train, val))
    check.refuse_shared(train.folder)
    if data.leave_out:
        train, val = (leave_out(faces, data.leave_out) for faces in (train, val))
    if data.only_forgeries:
        train = without_fakes(train)
    if data.forgeries and not _has_fakes(train):
        val, _ = forged_split(val, data.forgeries, config.seed, data.guards)
    return TrainingSplits(train, val, check)


def for_selection(val: FaceDataset, config: Config) -> FaceDataset:
    """The faces of validation that a state is selected by: those that are not kept for calibration."""
    held = _held(val, config)
    return rows_alone(val, np.flatnonzero(~held)) if held.any() else val


def for_calibration(val: FaceDataset, config: Config) -> np.ndarray:
    """The rows of validation that a detector is calibrated on, int64 [n]: all if none are kept for it."""
    held = _held(val, config)
    return np.flatnonzero(held if config.evaluation.calibration_share else ~held)


def _held(val: FaceDataset, config: Config) -> np.ndarray:
    return held_people(val.index.identity, config.evaluation.calibration_share, config.seed)


def with_fakes(train: FaceDataset, config: Config) -> FaceDataset:
    """The training split, with the forgeries that training makes if it has no other fakes.

    Raises:
        InputError: its faces cannot be forged.
    """
    data = config.data
    if not data.forgeries or _has_fakes(train):
        return train
    return forged_split(train, data.forgeries, config.seed, data.guards)[0]


def _has_fakes(faces: FaceDataset) -> bool:
    return bool((faces.index.label == schema.FAKE).any())


def test_split(config: Config) -> FaceDataset:
    """The split that results are measured on, after all training."""
    return open_split(_root(config.data.source, config), "test", config.data.size)


def named_split(source: str, split: str, config: Config, prepared: Path) -> FaceDataset:
    """A split of any dataset; a folder of photographs and videos is prepared below `prepared` first.

    All files of such a folder are its test split; labels that its folders' names do not give are unknown.
    If none of its videos has a face, the split is empty.

    Raises:
        InputError: there is no such split, or the folder's names leave open what is in it.
    """
    if not _is_raw(source):
        return open_split(_root(source, config), split, config.data.size)
    _listed(Path(source))
    return _prepared_split(Path(source), split, config, prepared)


def source_frames(source: str) -> SourceFrames | None:
    """The frames of a folder of photographs and videos; None for a prepared dataset: it has only crops."""
    return SourceFrames(_listed(Path(source))) if _is_raw(source) else None


def trained_on(config: Config, digest: str | None, sources: Sequence[str]) -> TrainingSplits | None:
    """The very faces that a run was trained on, if a person names them or they are the toy faces.

    Args:
        config: of the run, whose own paths are not followed.
        digest: of its training data.
        sources: datasets that the person named.
    """
    own = [TOYFACES] if config.data.source == TOYFACES else []
    config = confined(config)
    for source in dict.fromkeys((*sources, *own)):
        try:
            splits = training_splits(config, source)
        except InputError:
            continue
        if splits.train.digest == digest:
            return splits
    return None


def confined(config: Config) -> Config:
    """The config without the paths in it, which a stranger may have chosen."""
    data = dataclasses.replace(config.data, root=str(TOYFACES_FOLDER), source=TOYFACES)
    return dataclasses.replace(config, data=data, start=OWN)


def _root(source: str, config: Config) -> Path:
    if source != TOYFACES:
        return Path(source)
    return _drawn_toyfaces(Path(config.data.root), config.data.size)


def _drawn_toyfaces(below: Path, size: int) -> Path:
    from jaxfake.data.toyfaces import builder

    return builder.build(below, builder.ToyFaces(size=size))


def _is_raw(source: str) -> bool:
    """Whether this is a folder of photographs and videos."""
    folder = Path(source)
    return source != TOYFACES and folder.is_dir() and not holds_dataset(folder)


def _listed(source: Path) -> Listing:
    """The files of a folder of photographs and videos."""
    try:
        return list_folder(source, label=_raw_label(source), own_splits=False)
    except InputError as error:
        raise InputError(
            f"{error} (these are flags of python -m jaxfake.prepare, which makes a dataset of the folder)"
        ) from error


def _raw_label(source: Path) -> str | None:
    """The label of every file in a folder of photographs and videos; None where its folders say it."""
    return None if gives_labels(source) else "unknown"


def _prepared_split(source: Path, split: str, config: Config, prepared: Path) -> FaceDataset:
    from jaxfake.data.layouts.registry import SourceOptions
    from jaxfake.data.preparation.cropping import CropOptions
    from jaxfake.data.preparation.prepare import Preparation, dataset_folder, prepare
    from jaxfake.data.preparation.splits import SplitShares

    wanted = Preparation(
        source=source,
        out=prepared / source.resolve().name,
        crops=CropOptions(config.data.size, FRAMES, "png"),
        source_options=SourceOptions(label=_raw_label(source), own_splits=False),
        shares=SplitShares(0.0, 0.0, 1.0),
        workers=len(os.sched_getaffinity(0)),
    )
    if prepare(wanted).dataset is None:
        return empty_split(dataset_folder(wanted.out), split, config.data.size)
    return open_split(dataset_folder(wanted.out), split, config.data.size)
