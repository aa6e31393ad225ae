"""U-Net with squeeze-and-excitation encoder and scSE decoder: which pixels of a picture were touched.

U-Net (Ronneberger et al., 2015), residual blocks with channel attention (Hu et al., 2018) on the way
down, concurrent spatial and channel attention (Roy et al., 2018) on the way up. GroupNorm (Wu and He,
2018) and not BatchNorm: meta-learning asks for the loss of parameters that no running mean belongs to.
Our reading of Delocate's 'U-Net with SENet and SCSE'; channels and depths are our choice.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake.models.vit import Compute

REDUCTION = 16
"""The channel gates pass through so many times fewer channels, but no fewer than `_NARROWEST`."""

GROUPS = 8

_NARROWEST = 4

_STAGES = (1, 2, 4, 8)
"""Channels of the encoder's stages, in widths; each but the first halves the side."""


class Localised(NamedTuple):
    """What the U-Net makes of a picture."""

    logits: jax.Array  # float32 [B, times H, times W], of a pixel's having been touched
    bottleneck: jax.Array  # [B, H/8, W/8, 8 width]


class UNet(nn.Module):
    """Features of a picture to a map that is `times` as fine as they are.

    With `recompute`, the backward pass computes what is inside of each block once more.
    """

    width: int
    times: int = 1
    compute: Compute = Compute()
    recompute: bool = False

    @nn.compact
    def __call__(self, features: jax.Array) -> Localised:
        """Looks for touched pixels.

        Args:
            features: [B, H, W, F]; H and W multiples of 8.
        """
        down, up = (nn.remat(ResidualSE), nn.remat(Up)) if self.recompute else (ResidualSE, Up)
        stages, x = [], features
        for n, times in enumerate(_STAGES):
            stride = 1 if n == 0 else 2
            x = down(times * self.width, stride, self.compute, name=f"down_{n}")(x)
            stages.append(x)
        bottleneck = stages.pop()
        for n, skip in enumerate(reversed(stages)):
            x = up(skip.shape[-1], self.compute, name=f"up_{n}")(x, skip)
        x = convolved(x, self.width, self.compute, "last")
        logits = conv(self.times**2, 3, self.compute, "logits")(x).astype(jnp.float32)
        return Localised(_unfolded(logits, self.times), bottleneck)


def _unfolded(values: jax.Array, times: int) -> jax.Array:
    """The values of each place as the pixels of a square, [B, H, W, times^2] to [B, times H, times W]."""
    batch, height, width, _ = values.shape
    squares = values.reshape(batch, height, width, times, times)
    return squares.transpose(0, 1, 3, 2, 4).reshape(batch, height * times, width * times)


class ResidualSE(nn.Module):
    """Two convolutions, the first with the stride, gated by channel, beside a shortcut."""

    channels: int
    stride: int
    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inside = convolved(x, self.channels, self.compute, "first", self.stride)
        inside = conv(self.channels, 3, self.compute, "second")(inside)
        inside = group_norm(inside, self.compute, "second_norm")
        inside = inside * ChannelGate(self.compute, name="gate")(inside)
        shortcut = conv(self.channels, 1, self.compute, "shortcut", self.stride)(x)
        return nn.relu(inside + group_norm(shortcut, self.compute, "shortcut_norm"))


class Up(nn.Module):
    """Twice the side by nearest pixels, joined with the encoder's stage of that side."""

    channels: int
    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array, skip: jax.Array) -> jax.Array:
        larger = x.repeat(2, axis=1).repeat(2, axis=2)
        x = ScSE(self.compute, name="before")(jnp.concatenate([larger, skip], axis=-1))
        x = convolved(x, self.channels, self.compute, "first")
        x = convolved(x, self.channels, self.compute, "second")
        return ScSE(self.compute, name="after")(x)


class ScSE(nn.Module):
    """Concurrent spatial and channel squeeze-and-excitation: the sum of two gated copies."""

    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        by_place = nn.sigmoid(conv(1, 1, self.compute, "place")(x))
        return x * ChannelGate(self.compute, name="channel")(x) + x * by_place


class ChannelGate(nn.Module):
    """How much of each channel passes, in 0..1: [B, H, W, C] to [B, 1, 1, C]."""

    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        squeezed = x.mean((1, 2), keepdims=True)
        narrow = conv(max(channels // REDUCTION, _NARROWEST), 1, self.compute, "squeeze")(squeezed)
        return nn.sigmoid(conv(channels, 1, self.compute, "excite")(nn.relu(narrow)))


def conv(channels: int, side: int, compute: Compute, name: str, stride: int = 1) -> nn.Conv:
    """A convolution that keeps the side, or divides it by the stride."""
    return nn.Conv(
        channels,
        (side, side),
        strides=stride,
        padding="SAME",
        dtype=jnp.dtype(compute.dtype),
        kernel_init=_he_normal,
        name=name,
    )


def _he_normal(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    """He et al.'s (2015). Drawn flat: a draw of four axes takes seconds to compile, for each kernel."""
    spread = math.sqrt(2 / math.prod(shape[:-1]))
    return (spread * jax.random.normal(key, (math.prod(shape),), dtype)).reshape(shape)


def group_norm(x: jax.Array, compute: Compute, name: str) -> jax.Array:
    """GroupNorm of `GROUPS` groups, of one where they do not divide the channels; float32 inside."""
    groups = GROUPS if x.shape[-1] % GROUPS == 0 else 1
    norm = nn.GroupNorm(groups, use_fast_variance=False, name=name)
    return norm(x.astype(jnp.float32)).astype(compute.dtype)


def convolved(
    x: jax.Array, channels: int, compute: Compute, name: str, stride: int = 1
) -> jax.Array:
    """Convolution of 3 x 3, GroupNorm, ReLU."""
    x = conv(channels, 3, compute, name, stride)(x)
    return nn.relu(group_norm(x, compute, f"{name}_norm"))
