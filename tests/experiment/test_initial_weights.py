"""Which weights a start names: a folder of Hugging Face's libraries is one, and a run is another."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxfake.experiment import build_method
from jaxfake.experiment.initial_weights import check_start, load_initial_weights
from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import from_params
from tests.tiny import tiny_config


def test_a_folder_of_hugging_face_is_a_start(tmp_path: Path) -> None:
    run = tiny_config(tmp_path)
    own = build_method.recovery(run).init(jax.random.key(0), None)
    weights = from_params(own, names.HUB, grid=4)
    (tmp_path / "config.json").write_text('{"model_type": "vit_mae"}')
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
