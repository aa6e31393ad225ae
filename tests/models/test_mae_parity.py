"""Our masked autoencoder computes what HF transformers' ViTMAE does, step by step.

The goldens and the script that makes them: tools/golden_mae.py. Errors are absolute, in float32.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax.traverse_util import flatten_dict

from jaxfake.models import vit
from jaxfake.models.losses import Term, masked_mean, mean_over, squared_error
from jaxfake.models.mae import Decoder, MaskedAutoencoder
from jaxfake.models.masking import Mask, MaskSettings
from jaxfake.models.pixels import normalise, patchify
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute, Size
from jaxfake.weights.convert import to_params
from jaxfake.weights.names import HF

GOLDEN = Path(__file__).parents[1] / "golden" / "vit_mae.npz"
ENCODER, DECODER = Size(20, 2, 2), Size(12, 2, 3)
MAE = MaskedAutoencoder(ENCODER, DECODER, image=16, patch=4)
RECOVER = Recover(MAE, MaskSettings(count=12))
TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 1e-6  # gradients are smaller numbers than activations


@pytest.fixture(autouse=True)
def exact_products():
    with jax.default_matmul_precision("highest"):
        yield


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def params(golden):
    return ours(golden, "weight/")


@pytest.fixture(scope="module")
def mask(golden):
    return Mask(*(jnp.asarray(golden[name]) for name in ("keep", "drop", "restore")))


@pytest.fixture(scope="module")
def image(golden):
    return normalise(jnp.asarray(golden["image"]))


@pytest.fixture(scope="module")
def recovery(params, image, mask):
    with jax.default_matmul_precision("highest"):
        return jax.jit(RECOVER.mae.apply)({"params": params}, image, mask)


def ours(golden, prefix):
    """The goldens' arrays of that prefix as a tree of our parameters."""
    theirs = {k.removeprefix(prefix): a for k, a in golden.items() if k.startswith(prefix)}
    return to_params(theirs, HF, jax.eval_shape(RECOVER.init, jax.random.key(0), None))


def layer(stack, index):
    return jax.tree.map(lambda leaf: leaf[index], stack)


def apply(module, params, *inputs):
    return jax.jit(module.apply)({"params": params}, *inputs)


class Norm(nn.Module):
    @nn.compact
    def __call__(self, x):
        return vit.layer_norm(x, Compute(), "norm")


def norm(weights, x):
    return apply(Norm(), {"norm": weights}, x)


def distance(ours, theirs):
    assert ours.shape == theirs.shape
    return float(np.abs(np.asarray(ours) - theirs).max())


def test_patch_order_is_row_column_channel(golden):
    numbered = jnp.arange(16 * 16 * 3).reshape(1, 16, 16, 3)
    assert np.array_equal(patchify(numbered, 4), golden["patch_order"])


def test_patch_embedding(golden, params, image):
    dense = vit.dense(ENCODER.width, Compute(), "patch_embed")
    embedded = apply(dense, params["encoder"]["patch_embed"], patchify(image, 4))
    assert distance(embedded, golden["patch_embed"]) <= TOLERANCE


@pytest.mark.parametrize(
    ("name", "width"),
    [("vit.embeddings.position_embeddings", 20), ("decoder.decoder_pos_embed", 12)],
)
def test_position_table(golden, name, width):
    assert distance(vit.sincos_positions(width, 4)[None], golden[f"weight/{name}"]) <= 1e-7


def test_positions_number_columns_before_rows():
    """A square grid's table by itself would not show a swap of the halves."""
    table = vit.sincos_positions(8, 3)[1:].reshape(3, 3, 8)
    assert np.array_equal(table[0, :, :4], table[2, :, :4])
    assert np.array_equal(table[:, 0, 4:], table[:, 2, 4:])
    assert not np.array_equal(table[:, 0, 4:], table[::-1, 0, 4:])


def test_encoder_input_has_patches_at_their_places(golden, params, image, mask):
    kept = jnp.take_along_axis(patchify(image, 4), mask.keep[..., None], 1)
    # Without blocks only the last LayerNorm follows the input.
    empty = jax.tree.map(lambda leaf: leaf[:0], params["encoder"]["blocks"])
    no_blocks = vit.Encoder(Size(20, 0, 2), grid=4)
    tokens = apply(no_blocks, params["encoder"] | {"blocks": empty}, kept, mask.keep)
    expected = norm(params["encoder"]["norm"], golden["encoder/input"])
    assert distance(tokens, np.asarray(expected)) <= TOLERANCE


@pytest.mark.parametrize("index", range(2))
@pytest.mark.parametrize(("stack", "size"), [("encoder", ENCODER), ("decoder", DECODER)])
def test_block(golden, params, stack, size, index):
    before = golden[f"{stack}/block{index - 1}" if index else f"{stack}/input"]
    after, _ = apply(
        vit.Block(size.heads, Compute()), layer(params[stack]["blocks"], index), before
    )
    assert distance(after, golden[f"{stack}/block{index}"]) <= TOLERANCE


def test_last_norms(golden, params):
    for stack in ("encoder", "decoder"):
        after = norm(params[stack]["norm"], golden[f"{stack}/block1"])
        assert distance(after, golden[f"{stack}/norm"]) <= TOLERANCE


def test_layer_norm_epsilon(golden, params):
    """Shown by an input whose variance is like epsilon's; a usual one would hide a wrong epsilon."""
    weights, small = params["encoder"]["norm"], golden["norm/input"]
    assert distance(norm(weights, small), golden["norm/output"]) <= TOLERANCE
    centred = small - small.mean(-1, keepdims=True)
    by_1e5 = centred / np.sqrt(small.var(-1, keepdims=True) + 1e-5)
    assert distance(by_1e5 * weights["scale"] + weights["bias"], golden["norm/output"]) > 0.1


def test_gelu_is_exact(golden, params):
    weights, x = layer(params["encoder"]["blocks"]["mlp"], 0), golden["mlp/input"]
    assert distance(apply(vit.Mlp(Compute()), weights, x), golden["mlp/output"]) <= TOLERANCE
    # The same layer with the tanh approximation, to show that these inputs tell the two apart.
    hidden = jax.nn.gelu(x @ weights["fc1"]["kernel"] + weights["fc1"]["bias"], approximate=True)
    approximate = hidden @ weights["fc2"]["kernel"] + weights["fc2"]["bias"]
    assert distance(approximate, golden["mlp/output"]) > 10 * TOLERANCE


def test_qkv_order(golden, params):
    attention = vit.Attention(ENCODER.heads, Compute())
    weights, x = layer(params["encoder"]["blocks"]["attn"], 0), golden["attention/input"]
    assert distance(apply(attention, weights, x), golden["attention/output"]) <= TOLERANCE

    def reordered(leaf):
        query, key, value = np.split(leaf, 3, axis=-1)
        return np.concatenate([key, query, value], axis=-1)

    swapped = weights | {"qkv": jax.tree.map(reordered, weights["qkv"])}
    assert distance(apply(attention, swapped, x), golden["attention/output"]) > 0.01


def test_decoder_embedding(golden, params):
    dense = vit.dense(DECODER.width, Compute(), "embed")
    embedded = apply(dense, params["decoder"]["embed"], golden["encoder/norm"])
    assert distance(embedded, golden["decoder/embed"]) <= TOLERANCE


def test_decoder_from_its_golden_input(golden, params, mask):
    decoder = Decoder(DECODER, grid=4, pixels=48)
    predicted, hidden = apply(decoder, params["decoder"], golden["encoder/norm"], mask.restore)
    assert distance(hidden, golden["decoder/norm"][:, 1:]) <= TOLERANCE
    assert distance(predicted, golden["prediction"]) <= TOLERANCE


def test_whole_chain(golden, recovery):
    assert distance(recovery.tokens, golden["encoder/norm"]) <= TOLERANCE
    assert distance(recovery.hidden, golden["decoder/norm"][:, 1:]) <= TOLERANCE
    assert distance(recovery.patches, golden["prediction"]) <= TOLERANCE


def test_loss_and_its_gradient_for_every_weight(golden, params, image, mask):
    """Theirs is one mean over all masked patches of the batch; with one M for all, ours is the same."""

    def loss(params):
        patches = MAE.apply({"params": params}, image, mask).patches
        error = squared_error(patches, patchify(image, 4))
        return masked_mean(Term(mean_over(error, mask.dropped), jnp.ones(2)))

    value, gradient = jax.jit(jax.value_and_grad(loss))(params)
    assert distance(value, golden["loss"]) <= TOLERANCE
    mine, theirs = (flatten_dict(t, sep="/") for t in (gradient, ours(golden, "gradient/")))
    off = {path: distance(mine[path], theirs[path]) for path in theirs}
    assert {path: error for path, error in off.items() if not error <= GRADIENT_TOLERANCE} == {}
