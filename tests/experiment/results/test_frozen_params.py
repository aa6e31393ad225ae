"""Where the networks that no fake has trained are, in what is left of a run."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment.results import frozen_params
from jaxfake.experiment.results.frozen_params import NO_STAGE_ONE
from jaxfake.experiment.run_folder import RunFolder
from tests.tiny import tiny_config

BEGAN = "stage 1 of this run, step 6; finetuned network: weights with sha256 0"


def detector(tmp_path, params: dict[str, Any], start="recover", tuning=None):
    config = tiny_config(tmp_path, start=start)
    if tuning is not None:
        imported: Any = SimpleNamespace(tuning=tuning)
        config = dataclasses.replace(config, finetuned=imported)
    metadata = SimpleNamespace(identity=SimpleNamespace(start=BEGAN))
    return SimpleNamespace(stage="detect", params=params, config=config, metadata=metadata)


def found(run, folder=None):
    return frozen_params.frozen_params(run, folder)


def test_what_the_method_freezes_is_stage_one(tmp_path):
    frozen = {"encoder": 1, "decoder": 2}
    assert found(detector(tmp_path, {"frozen": frozen})).stage_one == frozen


@pytest.mark.parametrize(
    ("params", "start", "said"),
    [
        ({}, "scratch", NO_STAGE_ONE.reason),
        ({}, "elsewhere", "stage 1 is not at hand: the detector did not keep it"),
        ({}, "recover", "stage 1 is not at hand: the detector did not keep it"),
    ],
)
def test_where_there_is_none_the_reason_is_said(tmp_path, params, start, said):
    nothing = found(detector(tmp_path, params, start)).stage_one
    assert isinstance(nothing, Undefined)
    assert nothing.reason == said


def test_a_folder_without_stage_one_is_named(tmp_path):
    nothing = found(detector(tmp_path, {}), RunFolder(tmp_path / "gone")).stage_one
    assert isinstance(nothing, Undefined)
    assert "there is no folder" in nothing.reason


def test_stage_one_in_the_folder_must_be_the_one_that_the_detector_began_with(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(frozen_params, "locate", lambda *_: None)
    monkeypatch.setattr(
        frozen_params, "load_stage", lambda *_: SimpleNamespace(step=6, params="six")
    )
    run, folder = detector(tmp_path, {"frozen": {"encoder": 1}}), RunFolder(tmp_path)
    assert found(run, folder).stage_one == "six"
    monkeypatch.setattr(frozen_params, "load_stage", lambda *_: SimpleNamespace(step=9, params="9"))
    assert found(run, folder).stage_one == {"encoder": 1}  # the encoder alone is still there
    nothing = found(detector(tmp_path, {}), folder).stage_one
    assert isinstance(nothing, Undefined)
    assert "began with stage 1 of this run, step 6, and the folder has" in nothing.reason


def test_an_imported_network_is_whole_beside_a_change_of_low_rank_only(tmp_path):
    params = {"imported": "weights", "finetuned": "factors"}
    assert found(detector(tmp_path, params, tuning="lora")).imported == "weights"
    assert isinstance(found(detector(tmp_path, params, tuning="full")).imported, Undefined)
    assert found(detector(tmp_path, params)).imported is None
