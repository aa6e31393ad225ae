"""What stage 2 may start from: files, folders of weights and runs; nothing untrained is frozen."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import ml_collections
import numpy as np
import pytest
from safetensors.numpy import save_file

from configs import deepfakemae, delocate, mover, recap
from jaxfake import config
from jaxfake.experiment import build_method
from jaxfake.experiment.start.initial_weights import check_start, load_initial_weights
from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import from_params
from tests.tiny import tiny_config

FROZEN_BOTH = [recap.get_config(), delocate.get_config(), deepfakemae.get_config("frozen_decoder")]


def _parsed(values: ml_collections.ConfigDict, start: str) -> config.Config:
    values = values.copy_and_resolve_references()
    values.update(start=start, start_pixels="ours")
    return config.parse(values)


@pytest.fixture(scope="module")
def encoder_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the encoder of the shipped configs."""
    run = config.parse(mover.get_config())
    params: Any = build_method.recovery(run).init(jax.random.key(0), None)
    path = tmp_path_factory.mktemp("weights") / "encoder.safetensors"
    save_file(from_params({"encoder": params["encoder"]}, names.TIMM, grid=4), path)
    return path


@pytest.mark.parametrize("values", FROZEN_BOTH, ids=lambda values: values.method.name)
def test_a_fresh_teacher_is_refused(values: ml_collections.ConfigDict, encoder_alone: Path) -> None:
    with pytest.raises(InputError, match=r"no trained .*encoder.*, which .* keeps as it is"):
        load_initial_weights(_parsed(values, "scratch"))
    with pytest.raises(InputError, match="no trained decoder, which"):
        load_initial_weights(_parsed(values, str(encoder_alone)))


def test_a_fresh_decoder_that_is_trained_is_accepted(encoder_alone: Path) -> None:
    for values in (mover.get_config(), deepfakemae.get_config()):
        begun = load_initial_weights(_parsed(values, str(encoder_alone)))
        assert {"encoder", "decoder"} == set(begun.autoencoder)
        assert set(begun.stage_one) == {"encoder"}


def test_only_a_method_that_freezes_nothing_starts_from_scratch() -> None:
    scratch = load_initial_weights(_parsed(mover.get_config(), "scratch"))
    assert scratch.autoencoder is scratch.stage_one is None
    with pytest.raises(InputError, match="no trained encoder, which deepfakemae"):
        load_initial_weights(_parsed(deepfakemae.get_config(), "scratch"))


def test_a_folder_of_hugging_face_is_a_start(tmp_path: Path) -> None:
    run = tiny_config(tmp_path)
    own = build_method.recovery(run).init(jax.random.key(0), None)
    weights = from_params(own, names.HUB, grid=4)
    (tmp_path / "config.json").write_text('{"model_type": "vit_mae", "norm_pix_loss": false}')
    scale = '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    (tmp_path / "preprocessor_config.json").write_text(scale)
    save_file(weights, tmp_path / "mae.safetensors")
    start = dataclasses.replace(run, start=str(tmp_path))
    check_start(start)
    with pytest.raises(InputError, match=r"holds mae.safetensors: name the .safetensors file"):
        load_initial_weights(start)
    (tmp_path / "mae.safetensors").rename(tmp_path / "model.safetensors")
    got = load_initial_weights(start)
    jax.tree.map(np.testing.assert_array_equal, got.autoencoder, own)
    (tmp_path / "checkpoints").mkdir()  # now it may be a run
    with pytest.raises(InputError, match=r"config.json is damaged|no checkpoint of recover"):
        load_initial_weights(start)
