"""Weights of other codebases: every name has one place, and one message lists all mismatches."""

from pathlib import Path

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.runtime.errors import InputError
from jaxfake.weights.convert import from_params, to_params
from jaxfake.weights.names import FACEBOOK, HF, HUB, TIMM

GOLDEN = Path(__file__).parents[1] / "golden" / "vit_mae.npz"
GRID = 4


def shapes(depth=2):
    mae = MaskedAutoencoder(Size(20, depth, 2), Size(12, 2, 3), image=16, patch=4)
    return jax.eval_shape(Recover(mae, MaskSettings(count=12)).init, jax.random.key(0), None)


LIKE = shapes()
ENCODER = {"encoder": LIKE["encoder"]}


@pytest.fixture(scope="module")
def theirs():
    """The weights of HF's tiny model."""
    with np.load(GOLDEN, allow_pickle=False) as file:
        return {k.removeprefix("weight/"): file[k] for k in file if k.startswith("weight/")}


@pytest.fixture(scope="module")
def params(theirs):
    return to_params(theirs, HF, LIKE)


def same(one, other):
    one, other = flatten_dict(one), flatten_dict(other)
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("names", [FACEBOOK, HUB, HF], ids=lambda names: names.title)
def test_round_trip_is_exact(params, names):
    assert same(to_params(from_params(params, names, GRID), names, LIKE), params)


def test_export_gives_back_every_weight_of_hf(theirs, params):
    again = from_params(params, HF, GRID)
    assert again.keys() == theirs.keys()
    assert max(np.abs(again[name] - theirs[name]).max() for name in theirs) <= 1e-7


@pytest.mark.parametrize("names", [TIMM, FACEBOOK, HUB, HF], ids=lambda names: names.title)
def test_no_name_has_two_places(names):
    sources = [name for rule in names.rules for name in rule.theirs]
    assert len(set(sources)) == len(sources)
    assert len({rule.ours for rule in names.rules}) == len(names.rules)


def test_facebook_and_hub_are_the_same_weights_by_other_names(params):
    """Names as in the released files: one qkv there, query, key and value apart here."""
    facebook, hub = from_params(params, FACEBOOK, GRID), from_params(params, HUB, GRID)
    for stack, block in (
        ("blocks", "vit.encoder.layer"),
        ("decoder_blocks", "decoder.decoder_layers"),
    ):
        for leaf in ("weight", "bias"):
            apart = [
                hub[f"{block}.1.attention.attention.{n}.{leaf}"] for n in ("query", "key", "value")
            ]
            assert np.array_equal(facebook[f"{stack}.1.attn.qkv.{leaf}"], np.concatenate(apart))
    for one, other in (
        ("patch_embed.proj.weight", "vit.embeddings.patch_embeddings.projection.weight"),
        ("norm.bias", "vit.layernorm.bias"),
        ("blocks.0.mlp.fc2.weight", "vit.encoder.layer.0.output.dense.weight"),
        ("decoder_pred.weight", "decoder.decoder_pred.weight"),
        ("decoder_pos_embed", "decoder.decoder_pos_embed"),
    ):
        assert np.array_equal(facebook[one], hub[other])


def test_encoder_alone_from_timm(params):
    timm = from_params({"encoder": params["encoder"]}, TIMM, GRID)
    assert {name.split(".")[0] for name in timm} == {
        "cls_token",
        "pos_embed",
        "patch_embed",
        "blocks",
        "norm",
    }
    assert same(to_params(timm, TIMM, ENCODER), {"encoder": params["encoder"]})


def test_left_over_weights_are_allowed_by_name_only(params):
    facebook = from_params(params, FACEBOOK, GRID)
    encoder = to_params(facebook, FACEBOOK, ENCODER, unused=("decoder_*", "mask_token"))
    assert same(encoder, {"encoder": params["encoder"]})
    with pytest.raises(InputError, match=r"^[^\n]*mask_token has no place[^\n]*$"):
        to_params(facebook, FACEBOOK, ENCODER, unused=("decoder_*",))


def test_one_message_lists_all_mismatches(params):
    facebook = from_params(params, FACEBOOK, GRID)
    del facebook["norm.weight"]
    facebook["blocks.1.attn.proj.weight"] = np.zeros((20, 19), np.float32)
    facebook["head.weight"] = np.zeros((2, 20), np.float32)
    facebook["pos_embed"] = facebook["pos_embed"] + 0.01
    with pytest.raises(InputError) as caught:
        to_params(facebook, FACEBOOK, LIKE)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "norm.weight is missing",
        "blocks.1.attn.proj.weight is [20, 19], not [20, 20]",
        "head.weight has no place in the model",
        "pos_embed is not the fixed sine-cosine table",
    ):
        assert part in message


@pytest.mark.parametrize(("depth", "what"), [(1, "has no place"), (3, "is missing")])
def test_another_depth_is_refused(params, depth, what):
    facebook = from_params(params, FACEBOOK, GRID)
    with pytest.raises(InputError, match=rf"[ ;]blocks\.{min(depth, 2)}\.norm1\.weight {what}"):
        to_params(facebook, FACEBOOK, shapes(depth))


def test_another_width_is_one_message_for_all_blocks(params):
    facebook = from_params(params, FACEBOOK, GRID)
    wider = jax.tree.map(lambda leaf: leaf, LIKE)
    wider["encoder"]["blocks"]["norm1"]["bias"] = jax.ShapeDtypeStruct((2, 24), np.float32)
    with pytest.raises(
        InputError, match=r"blocks\.\{i\}\.norm1\.bias is \[20\], not \[24\] \(2 times\)$"
    ):
        to_params(facebook, FACEBOOK, wider)


def test_parameters_without_a_name_are_not_silently_dropped(params):
    with pytest.raises(InputError, match="decoder/mask_token"):
        from_params(params, TIMM, GRID)
