"""Imported weights see the pixels that they were trained on, and predict ours."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxfake.experiment import build_method
from jaxfake.experiment.start.initial_weights import load_initial_weights
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import nothing_masked
from jaxfake.models.pixels import patchify
from jaxfake.models.vit import Size
from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import from_params
from jaxfake.weights.pixel_scale import IMAGENET, PixelScale, pixel_scale, to_our_pixels
from tests.tiny import tiny_config

MAE = MaskedAutoencoder(Size(16, 2, 2), Size(8, 1, 2), 16, 4)
OTHER = PixelScale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), norm_pix=False)
apply = jax.jit(MAE.apply)
MEAN, STD = (np.asarray(part, np.float32) for part in (OTHER.mean, OTHER.std))


def _random() -> Any:
    mask = nothing_masked(1, MAE.grid**2)
    shapes = jax.eval_shape(MAE.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)), mask)
    params = shapes["params"]
    leaves, tree = jax.tree.flatten(params)
    rng = np.random.default_rng(0)
    return jax.tree.unflatten(
        tree, [0.2 * rng.normal(size=leaf.shape).astype(np.float32) for leaf in leaves]
    )


def test_the_folded_weights_compute_the_same_picture() -> None:
    theirs, mask = _random(), nothing_masked(2, MAE.grid**2)
    pixels = np.random.default_rng(1).random((2, 16, 16, 3)).astype(np.float32)
    expected = apply({"params": theirs}, (pixels - MEAN) / STD, mask)
    folded = to_our_pixels(theirs, OTHER)
    got = apply({"params": folded}, (pixels - 0.5) / 0.5, mask)
    np.testing.assert_allclose(got.tokens, expected.tokens, atol=1e-5)
    colours = expected.patches.reshape(2, MAE.grid**2, -1, 3) * STD + MEAN  # in 0..1
    ours = ((colours - 0.5) / 0.5).reshape(expected.patches.shape)
    np.testing.assert_allclose(got.patches, ours, atol=1e-5)
    assert {leaf.dtype for leaf in jax.tree.leaves(folded)} == {np.dtype("float32")}


def test_a_decoder_that_copies_its_patch_still_does() -> None:
    """Of constant colours: the order of the channels in a patch is that of the pixels."""
    params = _random()
    params["decoder"]["pred"] = {
        "kernel": np.zeros_like(params["decoder"]["pred"]["kernel"]),
        "bias": np.tile((np.asarray([0.9, 0.1, 0.4], np.float32) - MEAN) / STD, MAE.patch**2),
    }
    image = np.broadcast_to(np.asarray([0.9, 0.1, 0.4], np.float32), (1, 16, 16, 3)) / 0.5 - 1
    folded = to_our_pixels(params, OTHER)
    got = apply({"params": folded}, image, nothing_masked(1, MAE.grid**2)).patches
    np.testing.assert_allclose(got, patchify(jnp.asarray(image), MAE.patch), atol=1e-5)


def test_weights_of_our_pixels_stay_bit_for_bit() -> None:
    params = _random()
    same = PixelScale((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), norm_pix=False)
    jax.tree.map(np.testing.assert_array_equal, to_our_pixels(params, same), params)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mae.safetensors"
    save_file({"x": np.zeros(1, np.float32)}, path)
    return path


def test_what_nobody_says_is_asked_for(file: Path) -> None:
    with pytest.raises(InputError, match=r"does not say on what pixels.*start_pixels=ours"):
        pixel_scale(file, "", "no", has_decoder=True)
    with pytest.raises(
        InputError, match=r"normalised by patch \(norm_pix\): say it by .*yes or no"
    ):
        pixel_scale(file, "imagenet", "", has_decoder=True)
    assert pixel_scale(file, "imagenet", "", has_decoder=False) == dataclasses.replace(
        OTHER, norm_pix=None
    )


@pytest.mark.parametrize("text", ["0.5", "1,2/3,4", "a,b,c/1,1,1", "0,0,0/1,0,1", "nan,0,0/1,1,1"])
def test_a_scale_that_is_none_is_refused(file: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"is not understood|larger than 0"):
        pixel_scale(file, text, "no", has_decoder=True)


def test_the_file_says_it_itself(tmp_path: Path) -> None:
    path = tmp_path / "mae.safetensors"
    stated = {"pixel_mean": "0.1,0.2,0.3", "pixel_std": "1,2,4", "norm_pix": "yes"}
    save_file({"x": np.zeros(1, np.float32)}, path, metadata=stated)
    found = pixel_scale(path, "", "", has_decoder=True)
    assert found == PixelScale((0.1, 0.2, 0.3), (1.0, 2.0, 4.0), norm_pix=True)
    assert pixel_scale(path, IMAGENET, "no", has_decoder=True) == OTHER


def test_a_decoder_of_normalised_patches_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tiny_config(tmp_path)
    own = build_method.recovery(run).init(jax.random.key(1), None)
    path = tmp_path / "mae.safetensors"
    save_file(from_params(own, names.FACEBOOK, grid=4), path)
    start = dataclasses.replace(run, start=str(path), start_pixels="imagenet", start_norm_pix="yes")
    begun = load_initial_weights(start).autoencoder
    assert "is left out" in "".join(capsys.readouterr())
    fresh = build_method.recovery(run).init(jax.random.key(run.seed), None)
    jax.tree.map(np.testing.assert_array_equal, begun["decoder"], fresh["decoder"])
    embedded = begun["encoder"]["patch_embed"]["kernel"]
    kernel = np.asarray(own["encoder"]["patch_embed"]["kernel"])
    expected = kernel.reshape(-1, 3, kernel.shape[1])
    np.testing.assert_allclose(
        embedded.reshape(expected.shape), expected * (0.5 / STD)[:, None], rtol=1e-6
    )
