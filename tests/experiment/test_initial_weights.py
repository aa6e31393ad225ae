"""What stage 2 may start from: nothing that was never trained is frozen."""

from pathlib import Path
from typing import Any

import jax
import ml_collections
import pytest
from safetensors.numpy import save_file

from configs import deepfakemae, delocate, mover, recap
from jaxfake import config
from jaxfake.experiment import build_method
from jaxfake.experiment.initial_weights import load_initial_weights
from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import from_params

FROZEN_BOTH = [recap.get_config(), delocate.get_config(), deepfakemae.get_config("frozen_decoder")]


def _parsed(values: ml_collections.ConfigDict, start: str) -> config.Config:
    values = values.copy_and_resolve_references()
    values.start = start
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


def test_only_a_method_that_freezes_nothing_starts_from_scratch() -> None:
    assert load_initial_weights(_parsed(mover.get_config(), "scratch")).autoencoder is None
    with pytest.raises(InputError, match="no trained encoder, which deepfakemae"):
        load_initial_weights(_parsed(deepfakemae.get_config(), "scratch"))
