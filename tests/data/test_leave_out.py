"""A manipulation that is left out is seen by no training and no selection, and the test keeps it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from configs import delocate
from jaxfake import config, schema
from jaxfake.data import pipeline
from jaxfake.data.dataset import leave_out, open_split
from jaxfake.data.toyfaces import builder
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces
from jaxfake.experiment import open_data
from jaxfake.runtime.errors import InputError

FEW = ToyFaces(
    size=32,
    train=SplitSize(identities=8, frames=2),
    val=SplitSize(identities=8, frames=1),
    test=SplitSize(identities=8, frames=1),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builder.build(tmp_path_factory.mktemp("few"), FEW)


def run_on(root: Path, left_out: str) -> config.Config:
    run = config.parse(delocate.get_config())
    data = dataclasses.replace(run.data, source=str(root), size=32, leave_out=left_out)
    return dataclasses.replace(run, data=data)


def test_training_and_selection_are_without_it_and_the_test_is_not(root: Path) -> None:
    run = run_on(root, "eyes")
    splits = open_data.training_splits(run)
    for split in (splits.train, splits.val):
        assert "eyes" not in split.index.method
        assert {"real", "lips", "cheek_nose", "upper_face"} == set(split.index.method)
        for row in range(len(split)):
            example = split[row]
            assert (example.method, example.video_id) == (
                split.index.method[row],
                split.index.video_id[row],
            )
    assert "eyes" in open_data.test_split(run).index.method


def test_no_batch_holds_it(root: Path) -> None:
    train = open_data.training_splits(run_on(root, "lips")).train
    augmentation = pipeline.Augmentation(1.0, 0.0)
    batches = pipeline.training_batches(train, (schema.REAL, schema.FAKE), 8, 0, augmentation)
    whole = open_split(root, "train", 32)
    lips = whole.index.video_id[whole.index.method == "lips"]
    for n in range(12):
        batch = batches[n]
        seen = {train.name(int(row)).split("/")[2].split()[0] for row in batch[schema.ROW]}
        fakes = batch[schema.LABEL] == schema.FAKE
        assert fakes.sum() == 4
        assert not seen & set(lips.tolist())


def test_reals_are_the_same_with_and_without(root: Path) -> None:
    """So a stage 1 of the one is a stage 1 of the other."""
    augmentation = pipeline.Augmentation(0.9, 0.0)
    whole, less = (
        open_data.training_splits(run_on(root, name)).train for name in ("", "upper_face")
    )
    ours, theirs = (
        pipeline.training_batches(train, (schema.REAL,), 4, 0, augmentation)[3]
        for train in (whole, less)
    )
    np.testing.assert_array_equal(ours[schema.IMAGE], theirs[schema.IMAGE])
    assert whole.digest != less.digest


def test_a_manipulation_that_is_not_there_is_one_line(root: Path) -> None:
    with pytest.raises(InputError, match=r"leave_out=eyez.*are cheek_nose, eyes, lips, upper_face"):
        leave_out(open_split(root, "train", 32), "eyez")
