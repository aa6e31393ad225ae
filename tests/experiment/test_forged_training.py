"""What a run with forgeries trains on and selects by."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from configs import mover
from jaxfake import config, schema
from jaxfake.data.forgeries.forgery import Forgery
from jaxfake.data.toyfaces import builder
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces
from jaxfake.experiment import job, open_data
from jaxfake.experiment.start.initial_weights import InitialWeights
from jaxfake.train import stage

SIZES = {"identities": 6, "frames": 1}
TWINS = Forgery("twin", 0.5, 1.0), Forgery("self_blend", 0.5, 1.0)


@pytest.fixture(scope="module")
def with_fakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory, forgeries=1)


@pytest.fixture(scope="module")
def without_fakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory, forgeries=0)


def drawn(tmp_path_factory, forgeries):
    sizes = SplitSize(**SIZES, forgeries=forgeries)
    options = ToyFaces(size=32, train=sizes, val=sizes, test=sizes)
    return builder.build(tmp_path_factory.mktemp("toy"), options)


def run_on(root: Path, *forgeries: Forgery) -> config.Config:
    run = config.parse(mover.get_config())
    data = dataclasses.replace(run.data, source=str(root), size=32, forgeries=forgeries)
    settings = dataclasses.replace(run.detect, batch_size=8)
    model = dataclasses.replace(run.model, patch=8)
    return dataclasses.replace(run, data=data, model=model, detect=settings)


def names(faces):
    return set(faces.index.method.tolist())


def test_with_forgeries_alone_no_other_fake_is_seen_in_training_or_selection(with_fakes):
    run = run_on(with_fakes, *TWINS)
    splits = open_data.training_splits(run)
    assert names(splits.train) == {"real"}
    assert names(splits.val) == {"real", "twin", "self_blend"}
    assert not names(open_data.test_split(run)) & {"twin", "self_blend"}


def test_beside_forgeries_the_datasets_own_fakes_are_trained_on_and_selected_by(with_fakes):
    splits = open_data.training_splits(run_on(with_fakes, TWINS[0]))
    assert schema.FAKE in splits.train.index.label
    assert schema.FAKE in splits.val.index.label
    assert "twin" not in names(splits.val)


def test_where_there_are_no_fakes_forgeries_are_selected_by(without_fakes):
    splits = open_data.training_splits(run_on(without_fakes, TWINS[0]))
    assert names(splits.val) == {"real", "twin"}
    np.testing.assert_array_equal(splits.val.index.label, [0] * 6 + [1] * 6)


def test_stage_two_gets_forgeries_and_stage_one_none(without_fakes):
    run = run_on(without_fakes, *TWINS)
    run = dataclasses.replace(run, recover=dataclasses.replace(run.recover, batch_size=8))
    splits = open_data.training_splits(run)
    plans = job._recover_plan(run, splits), job._detect_plan(run, splits, InitialWeights(None, ""))
    recover, detect = (stage.prepare(plan, run).batches[0][schema.LABEL] for plan in plans)
    assert recover.tolist() == [0] * 8
    assert sorted(detect.tolist()) == [0] * 4 + [1] * 4
