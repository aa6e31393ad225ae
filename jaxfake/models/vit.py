"""Vision transformer in Flax Linen, with the parameter names of timm.

An image is worth 16x16 words (Dosovitskiy et al., 2021) as the masked autoencoder uses it (He et al.,
2022): pre-LN blocks, exact GELU, LayerNorm epsilon 1e-6, fixed 2-D sine-cosine positions, a class
token. The encoder gets any patches with their places, so a masked face costs only its visible patches.
"""

import dataclasses
from typing import Any, Literal, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxfake.models import remat
from jaxfake.models.remat import StackRemat

Attend = Literal["xla", "cudnn"]

EPSILON = 1e-6
"""Of a LayerNorm, as timm has it, where nothing else is said."""


@dataclasses.dataclass(frozen=True)
class Size:
    """Width D, number of blocks and number of heads of one stack of transformer blocks."""

    width: int
    depth: int
    heads: int


SIZES = {
    "tiny": Size(192, 12, 3),
    "small": Size(384, 12, 6),
    "base": Size(768, 12, 12),
    "large": Size(1024, 24, 16),
}
"""Encoders: ViT-Ti, S, B and L of Dosovitskiy et al. (2021) and Touvron et al. (2021)."""


@dataclasses.dataclass(frozen=True)
class Compute:
    """How the numbers are computed; what is computed does not depend on it.

    Attributes:
        dtype: of activations; parameters, LayerNorm statistics and losses stay float32.
        attend: 'cudnn' runs fused attention on an NVIDIA GPU (bfloat16 or float16 only).
    """

    dtype: Literal["float32", "bfloat16"] = "float32"
    attend: Attend = "xla"


class Attention(nn.Module):
    """Multi-head self-attention over tokens [B, N, D]."""

    heads: int
    compute: Compute
    named: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, count, width = x.shape
        qkv = remat.named(dense(3 * width, self.compute, "qkv")(x), "qkv", self.named)
        qkv = qkv.reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = (qkv[:, :, i] for i in range(3))
        mixed = attention(query, key, value, self.compute.attend)
        return dense(width, self.compute, "proj")(mixed.reshape(batch, count, width))


def attention(query: jax.Array, key: jax.Array, value: jax.Array, attend: Attend) -> jax.Array:
    """Softmax attention, [B, N, heads, D/heads] each.

    'xla' is written as batched matrix products over (batch, head): on CPUs XLA runs these faster than
    the same einsum over (batch, position, head).
    """
    if attend == "cudnn":
        return _fused_attention(query, key, value)
    query, key, value = (t.transpose(0, 2, 1, 3) for t in (query, key, value))
    logits = query @ key.swapaxes(-1, -2) * (query.shape[-1] ** -0.5)
    weights = jax.nn.softmax(logits.astype(jnp.float32), axis=-1).astype(value.dtype)
    return (weights @ value).transpose(0, 2, 1, 3)


def _fused_attention(query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
    """cuDNN's; it refuses to train on an odd number of tokens, so one is added that none attends to."""
    batch, count = query.shape[:2]
    lengths = None
    if count % 2:
        query, key, value = (
            jnp.pad(t, ((0, 0), (0, 1), (0, 0), (0, 0))) for t in (query, key, value)
        )
        lengths = jnp.full((batch,), count, jnp.int32)
    mixed = jax.nn.dot_product_attention(
        query,
        key,
        value,
        query_seq_lengths=lengths,
        key_value_seq_lengths=lengths,
        implementation="cudnn",
    )
    return mixed[:, :count]


class Mlp(nn.Module):
    """Two dense layers with exact GELU between, four times as wide inside."""

    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        hidden = dense(4 * x.shape[-1], self.compute, "fc1")(x)
        return dense(x.shape[-1], self.compute, "fc2")(gelu(hidden))


@jax.custom_vjp
def gelu(x: jax.Array) -> jax.Array:
    """Exact GELU, x times the normal distribution function (Hendrycks and Gimpel, 2016).

    Its derivative is written by hand: the automatic one is 1.7 times slower on CPUs, which is a tenth of
    a whole training step.
    """
    return nn.gelu(x, approximate=False)


def _gelu_forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gelu(x), x


def _gelu_backward(x: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    share = 0.5 * (1.0 + jax.lax.erf(x * 2.0**-0.5))
    density = jnp.exp(-0.5 * x * x) * (2.0 * jnp.pi) ** -0.5
    return (gradient * (share + x * density),)


gelu.defvjp(_gelu_forward, _gelu_backward)


class Block(nn.Module):
    """One pre-LN transformer block. Returns (tokens, None), the form that `nn.scan` expects.

    With `named`, tensors have the names that policies of rematerialisation know.
    """

    heads: int
    compute: Compute
    named: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, survival: jax.Array | None = None) -> tuple[jax.Array, None]:
        """The tokens after the block; `survival` [B, 2] scales its two branches, see `drop_path`."""
        x = remat.named(x, remat.BLOCK_INPUT, self.named)
        normed = layer_norm(x, self.compute, "norm1")
        attention = Attention(self.heads, self.compute, self.named, name="attn")
        x = x + _scaled(attention(normed), survival, 0)
        x = remat.named(x, "attended", self.named)
        normed = layer_norm(x, self.compute, "norm2")
        x = x + _scaled(Mlp(self.compute, name="mlp")(normed), survival, 1)
        return x, None


def _scaled(branch: jax.Array, survival: jax.Array | None, which: int) -> jax.Array:
    if survival is None:
        return branch
    return branch * survival[:, which, None, None].astype(branch.dtype)


def drop_path(keys: jax.Array, depth: int, rate: float) -> jax.Array | None:
    """Which residual branches of each example survive (stochastic depth; Huang et al., 2016).

    Args:
        keys: PRNG keys [B], one an example.
        depth: number of blocks.
        rate: probability that a branch of the last block is dropped; it grows linearly from 0 at the first.

    Returns:
        float32 [depth, B, 2] for `Encoder`: 0, or 1 / (probability to survive); None if `rate` is 0.
    """
    if not rate:
        return None
    survives = 1.0 - rate * jnp.arange(depth, dtype=jnp.float32) / max(depth - 1, 1)
    draw = jax.vmap(lambda key: jax.random.uniform(key, (depth, 2)), out_axes=1)
    survives = survives[:, None, None]
    return jnp.where(draw(keys) < survives, 1.0 / survives, 0.0)


def blocks(size: Size, compute: Compute, name: str = "blocks") -> nn.Module:
    """`size.depth` blocks under one scan."""
    return cast(nn.Module, scanned(Block, size.depth)(size.heads, compute, name=name))


def scanned(block: type[nn.Module], depth: int) -> Any:
    """A module of so many blocks, under one scan: each parameter has a leading axis of that length."""
    return nn.scan(
        block,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        in_axes=0,
        length=depth,
    )


def run_blocks(
    size: Size,
    compute: Compute,
    tokens: jax.Array,
    survival: jax.Array | None,
    stack: StackRemat,
) -> jax.Array:
    """The tokens [B, N, D] after `blocks` of the calling module, by segments where there are any."""
    whole = blocks(size, compute)
    if not stack.segments_of(size.depth) or whole.is_initializing():
        with jax.named_scope(remat.scope_of(stack.name, "none")):
            after, _ = whole(tokens, survival)
        return cast(jax.Array, after)
    alone = Block(size.heads, compute, named=True, parent=None)

    def block(params: Any, x: jax.Array, survival: jax.Array | None) -> jax.Array:
        return cast(jax.Array, alone.apply({"params": params}, x, survival)[0])

    return remat.scan_segments(block, whole.variables["params"], tokens, survival, stack)


class Encoder(nn.Module):
    """ViT encoder of any subset of the patches of a face."""

    size: Size
    grid: int
    compute: Compute = Compute()
    stack: StackRemat = StackRemat("encoder")

    @nn.compact
    def __call__(
        self, patches: jax.Array, where: jax.Array, survival: jax.Array | None = None
    ) -> jax.Array:
        """Encodes patches.

        Args:
            patches: float [B, n, P], pixels in -1..1.
            where: int [B, n], the index of each patch in the grid, by rows.
            survival: float32 [depth, B, 2], see `drop_path`.

        Returns:
            Tokens [B, 1 + n, D] after the last LayerNorm, the class token first.
        """
        dtype = self.compute.dtype
        places = jnp.asarray(sincos_positions(self.size.width, self.grid), dtype)
        x = dense(self.size.width, self.compute, "patch_embed")(patches.astype(dtype))
        x = x + places[1 + where]
        token = self.param("cls_token", nn.initializers.normal(0.02), (1, 1, self.size.width))
        token = jnp.broadcast_to(token.astype(dtype) + places[:1], (x.shape[0], 1, x.shape[2]))
        x = jnp.concatenate([token, x], axis=1)
        x = run_blocks(self.size, self.compute, x, survival, self.stack)
        return layer_norm(x, self.compute, "norm")


def dense(features: int, compute: Compute, name: str) -> nn.Dense:
    """Linear layer, Xavier-uniform over the flattened kernel as in the MAE (He et al., 2022)."""
    init = nn.initializers.xavier_uniform()
    return nn.Dense(features, dtype=jnp.dtype(compute.dtype), kernel_init=init, name=name)


def layer_norm(x: jax.Array, compute: Compute, name: str, epsilon: float = EPSILON) -> jax.Array:
    """LayerNorm with the exact two-pass variance, in float32 inside."""
    norm = nn.LayerNorm(epsilon=epsilon, use_fast_variance=False, name=name)
    # Flax would mix bfloat16 and float32 in here, which strict promotion forbids.
    return norm(x.astype(jnp.float32)).astype(compute.dtype)


def sincos_positions(width: int, grid: int) -> np.ndarray:
    """Fixed 2-D sine-cosine positions of the MAE, float32 [1 + grid * grid, width].

    Row 0 (the class token) is zero. The first half of the width encodes the column and the second half
    the row; in each, sines come before cosines and frequencies are 10000^(-i / (width / 4)).
    """
    rows, columns = np.divmod(np.arange(grid * grid), grid)
    table = np.concatenate([_sincos(width // 2, columns), _sincos(width // 2, rows)], axis=1)
    return np.concatenate([np.zeros((1, width)), table]).astype(np.float32)


def _sincos(width: int, places: np.ndarray) -> np.ndarray:
    frequencies = 10000.0 ** -(np.arange(width // 2) / (width / 2))
    angles = np.outer(places, frequencies)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
