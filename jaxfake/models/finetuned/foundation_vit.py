"""Vision transformer as foundation models have it: learned positions, layer scale, any patch size.

DINOv2 (Oquab et al., 2023), its registers (Darcet et al., 2024), DINOv3 (Siméoni et al., 2025), the image
towers of CLIP (Radford et al., 2021) and the plain ViTs of timm are this network with other settings. The
ViT of the masked autoencoder, which sees parts of a face, is in `jaxfake.models.vit`; the names of
parameters are timm's in both.
"""

import dataclasses
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxfake.models import vit
from jaxfake.models.pixels import patchify
from jaxfake.models.vit import Compute, Size


@dataclasses.dataclass(frozen=True)
class ViTSettings:
    """What tells one such network from another; weights fit one of them only.

    Attributes:
        size: width, number of blocks and number of heads.
        patch: side of a patch in pixels.
        positions: 'learned' are added to the patches; 'rotary' turn queries and keys, as in DINOv3.
        registers: number of tokens beside the class token that belong to no patch.
        layer_scale: whether learned factors scale both branches of a block (Touvron et al., 2021).
        norm_pre: whether there is a LayerNorm before the blocks too, as in CLIP.
        activation: 'quick_gelu' is x * sigmoid(1.702 x), as in OpenAI's CLIP.
        epsilon: of LayerNorm.
    """

    size: Size
    patch: int
    positions: Literal["learned", "rotary"]
    registers: int
    layer_scale: bool
    norm_pre: bool
    activation: Literal["gelu", "quick_gelu"]
    epsilon: float


class Encoded(NamedTuple):
    """A batch of pictures as the network sees them.

    Tokens are the class token, R registers, then N patches by rows. Both are after the network's last
    LayerNorm. That it is applied to earlier blocks too is how DINOv2 is probed (Oquab et al., 2023).
    """

    tokens: jax.Array  # [B, 1 + R + N, D] of the last block
    pooled: jax.Array  # [depth, B, 2 D] of each block: class token and mean of the patch tokens


class FoundationViT(nn.Module):
    """The encoder, without any head."""

    settings: ViTSettings
    grid: int
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, image: jax.Array, survival: jax.Array | None = None) -> Encoded:
        """Encodes whole pictures.

        Args:
            image: float32 [B, H, W, 3] in -1..1; `grid` patches high and wide.
            survival: float32 [depth, B, 2], see `vit.drop_path`.
        """
        settings, dtype = self.settings, self.compute.dtype
        patches = patchify(image, settings.patch).astype(dtype)
        x = vit.dense(settings.size.width, self.compute, "patch_embed")(patches)
        if settings.positions == "learned":
            x = x + self._tokens("pos_embed", self.grid**2)
        before = [self._tokens("cls_token", 1)]
        if settings.registers:
            before.append(self._tokens("reg_token", settings.registers))
        same = [jnp.broadcast_to(tokens, (len(x), *tokens.shape[1:])) for tokens in before]
        x = jnp.concatenate([*same, x], axis=1)
        if settings.norm_pre:
            x = vit.layer_norm(x, self.compute, "norm_pre", settings.epsilon)
        blocks = vit.scanned(Block, settings.size.depth)
        x, pooled = blocks(settings, self.grid, self.compute, name="blocks")(x, survival)
        norm = nn.LayerNorm(epsilon=settings.epsilon, use_fast_variance=False, name="norm")
        tokens = norm(x.astype(jnp.float32))
        learned = norm.variables["params"]
        pooled = pooled * learned["scale"] + learned["bias"]
        pooled = pooled.reshape(*pooled.shape[:2], -1)
        return Encoded(tokens.astype(dtype), pooled.astype(dtype))

    def _tokens(self, name: str, count: int) -> jax.Array:
        """Learned tokens [1, count, D]."""
        shape = (1, count, self.settings.size.width)
        return self.param(name, nn.initializers.normal(0.02), shape).astype(self.compute.dtype)


class Block(nn.Module):
    """One pre-LN transformer block."""

    settings: ViTSettings
    grid: int
    compute: Compute

    @nn.compact
    def __call__(
        self, x: jax.Array, survival: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """The tokens after the block, and a summary of them, in the form that `nn.scan` expects.

        Args:
            x: [B, 1 + R + N, D].
            survival: [B, 2], scales the two branches, see `vit.drop_path`.

        Returns:
            Tokens, and float32 [B, 2, D]: class token and mean of the patch tokens, normalised as by a
            LayerNorm whose learned factors come later.
        """
        settings, compute = self.settings, self.compute
        normed = vit.layer_norm(x, compute, "norm1", settings.epsilon)
        attended = Attention(settings, self.grid, compute, name="attn")(normed)
        x = x + self._scaled(attended, "ls1", survival, 0)
        normed = vit.layer_norm(x, compute, "norm2", settings.epsilon)
        mixed = Mlp(settings, compute, name="mlp")(normed)
        x = x + self._scaled(mixed, "ls2", survival, 1)
        plain = nn.LayerNorm(
            epsilon=settings.epsilon, use_fast_variance=False, use_scale=False, use_bias=False
        )
        normed = plain(x.astype(jnp.float32))
        patches = normed[:, 1 + settings.registers :].mean(1)
        return x, jnp.stack([normed[:, 0], patches], axis=1)

    def _scaled(
        self, branch: jax.Array, name: str, survival: jax.Array | None, which: int
    ) -> jax.Array:
        if self.settings.layer_scale:
            branch = LayerScale(name=name)(branch)
        if survival is not None:
            branch = branch * survival[:, which, None, None].astype(branch.dtype)
        return branch


class Attention(nn.Module):
    """Multi-head self-attention over tokens [B, 1 + R + N, D]."""

    settings: ViTSettings
    grid: int
    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, count, width = x.shape
        heads = self.settings.size.heads
        qkv = vit.dense(3 * width, self.compute, "qkv")(x)
        qkv = qkv.reshape(batch, count, 3, heads, width // heads)
        query, key, value = (qkv[:, :, i] for i in range(3))
        if self.settings.positions == "rotary":
            angles = rotary_angles(width // heads, self.grid)
            query, key = turn_patches(query, angles), turn_patches(key, angles)
        mixed = vit.attention(query, key, value, self.compute.attend)
        return vit.dense(width, self.compute, "proj")(mixed.reshape(batch, count, width))


def rotary_angles(width: int, grid: int) -> np.ndarray:
    """The angles by which the features of a head are turned for each patch, float32 [N, width] (DINOv3).

    The first quarter of the features turns with the row of the patch and the second with its column, each
    in -1..1 over the picture, at frequencies 2 pi 100^-t for t from 0 to 1; the other half is the same.
    """
    centres = 2.0 * (np.arange(grid) + 0.5) / grid - 1.0
    frequencies = 2.0 * np.pi * 100.0 ** -np.arange(0.0, 1.0, 4.0 / width)
    rows, columns = np.meshgrid(centres, centres, indexing="ij")
    angles = [np.outer(places, frequencies) for places in (rows, columns)]
    return np.concatenate(angles + angles, axis=1).astype(np.float32)


def turn_patches(x: jax.Array, angles: np.ndarray) -> jax.Array:
    """Rotary positions (Su et al., 2021): the last N tokens of [B, 1 + R + N, heads, width] turned.

    Feature i and feature i + width / 2 are the two coordinates that are turned together.
    """
    before = x.shape[1] - len(angles)
    patches = x[:, before:]
    first, second = jnp.split(patches, 2, axis=-1)
    across = jnp.concatenate([-second, first], axis=-1)
    cos, sin = (jnp.asarray(of(angles)[:, None], x.dtype) for of in (np.cos, np.sin))
    return jnp.concatenate([x[:, :before], patches * cos + across * sin], axis=1)


class LayerScale(nn.Module):
    """A learned factor for each feature of a branch, small at first."""

    @nn.compact
    def __call__(self, branch: jax.Array) -> jax.Array:
        gamma = self.param("gamma", nn.initializers.constant(1e-5), branch.shape[-1:])
        return branch * gamma.astype(branch.dtype)


class Mlp(nn.Module):
    """Two dense layers, four times as wide inside."""

    settings: ViTSettings
    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        activation = vit.gelu if self.settings.activation == "gelu" else quick_gelu
        hidden = vit.dense(4 * x.shape[-1], self.compute, "fc1")(x)
        return vit.dense(x.shape[-1], self.compute, "fc2")(activation(hidden))


def quick_gelu(x: jax.Array) -> jax.Array:
    """The approximation of GELU by a sigmoid (Hendrycks and Gimpel, 2016)."""
    return x * jax.nn.sigmoid(1.702 * x)
