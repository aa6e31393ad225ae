"""The encoder's sizes, and what its options may and may not change."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import SIZES, Compute, Encoder, Size, attention

SMALL = Size(16, 2, 2)


def count(shapes):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def encoder_shapes(size, compute):
    patches, where = jnp.zeros((1, 9, 768)), jnp.zeros((1, 9), jnp.int32)
    return jax.eval_shape(Encoder(size, 14, compute).init, jax.random.key(0), patches, where)


@pytest.mark.parametrize(
    ("name", "published"), [("tiny", 5.5), ("small", 21.6), ("base", 85.6), ("large", 303.1)]
)
def test_encoder_has_the_published_number_of_parameters(name, published):
    """Millions, without classifier and with fixed positions."""
    assert round(count(encoder_shapes(SIZES[name], Compute())) / 1e6, 1) == published


def test_decoder_of_the_mae_has_26_million_parameters():
    """Width 512, 8 blocks, 16 heads (He et al., 2022), with its two projections."""
    mae = MaskedAutoencoder(SIZES["base"], Size(512, 8, 16), image=224, patch=16)
    shapes = jax.eval_shape(Recover(mae, MaskSettings()).init, jax.random.key(0), None)
    assert round(count(shapes["decoder"]) / 1e6, 1) == 26.0


PATCHES = jax.random.normal(jax.random.key(1), (1, 16, 48))
WHERE = jnp.arange(16)[None]


@pytest.fixture(scope="module")
def small():
    return jax.jit(Encoder(SMALL, grid=4).init)(jax.random.key(0), PATCHES, WHERE)


def test_blocks_of_a_stack_start_from_different_weights(small):
    kernel = small["params"]["blocks"]["mlp"]["fc1"]["kernel"]
    assert kernel.shape == (2, 16, 64)
    assert not np.array_equal(kernel[0], kernel[1])


def test_encoder_reads_patches_by_their_place_and_not_by_their_order(small):
    encode = jax.jit(Encoder(SMALL, grid=4).apply)
    tokens = encode(small, PATCHES, WHERE)
    backwards = encode(small, PATCHES[:, ::-1], WHERE[:, ::-1])
    np.testing.assert_allclose(backwards[:, 1:], tokens[:, :0:-1], atol=1e-5)
    elsewhere = encode(small, PATCHES, WHERE[:, ::-1])
    assert np.abs(elsewhere - tokens).max() > 0.01


def test_bfloat16_compute_keeps_float32_parameters():
    compute = Compute(dtype="bfloat16")
    shapes = encoder_shapes(SMALL, compute)
    assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype("float32")}
    tokens = jax.eval_shape(
        Encoder(SMALL, 14, compute).apply, shapes, jnp.zeros((1, 9, 768)), jnp.zeros((1, 9), int)
    )
    assert tokens.dtype == jnp.bfloat16


@pytest.mark.parametrize("count", [4, 5])
def test_fused_attention_gets_an_even_number_of_tokens_and_gives_the_same(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cuDNN refuses an odd one. Here XLA computes what it is asked for."""
    plain, counts = jax.nn.dot_product_attention, []

    def fused(query, *args, implementation, **lengths):
        assert implementation == "cudnn"
        counts.append(query.shape[1])
        return plain(query, *args, **lengths)

    monkeypatch.setattr(jax.nn, "dot_product_attention", fused)
    qkv = [jax.random.normal(jax.random.key(n), (2, count, 3, 8)) for n in range(3)]
    np.testing.assert_allclose(attention(*qkv, "cudnn"), attention(*qkv, "xla"), atol=1e-6)
    assert counts == [count + count % 2]


def test_fused_attention_without_its_gpu_is_an_error_and_no_fallback():
    mae = MaskedAutoencoder(SMALL, SMALL, 16, 4, Compute("bfloat16", attend="cudnn"))
    with pytest.raises(RuntimeError, match="cuDNN"):
        jax.eval_shape(Recover(mae, MaskSettings(count=12)).init, jax.random.key(0), None)
