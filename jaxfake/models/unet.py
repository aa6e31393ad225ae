"""U-Net with squeeze-and-excitation encoder and scSE decoder: which pixels are manipulated.

U-Net (Ronneberger et al., 2015), residual blocks with channel attention (Hu et al., 2018) on the way
down, concurrent spatial and channel attention (Roy et al., 2018) on the way up. GroupNorm (Wu and He,
2018) instead of BatchNorm: meta-learning needs losses at parameters that have no running statistics.
Our reading of Delocate's 'U-Net with SENet and SCSE'; channels and depths are our choice.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake.models.vit import Compute

REDUCTION = 16
"""The hidden layer of a channel gate has this many times fewer channels, but at least `_MIN_CHANNELS`."""

GROUPS = 8

_MIN_CHANNELS = 4

STAGES = (1, 2, 4, 8)
"""Channels of the stages of the encoder, in widths; each but the first halves the side."""


class UNetOutput(NamedTuple):
    """The output of the U-Net, and its coarsest features."""

    logits: jax.Array  # float32 [B, times H, times W], that a pixel is manipulated
    bottleneck: jax.Array  # [B, H/8, W/8, 8 width], with the default stages


class UNet(nn.Module):
    """From features to a map with `times` their resolution.

    Each stage after the first halves the side, and `stages` gives the channels of each as a multiple of
    `width`. With `recompute`, the backward pass computes what is inside of each block once more.
    """

    width: int
    times: int = 1
    compute: Compute = Compute()
    recompute: bool = False
    stages: tuple[int, ...] = STAGES

    @nn.compact
    def __call__(self, features: jax.Array) -> UNetOutput:
        """The map of the features.

        Args:
            features: [B, H, W, F]; a side that is odd is rounded up where it is halved.
        """
        down, up = (nn.remat(ResidualSE), nn.remat(Up)) if self.recompute else (ResidualSE, Up)
        stages, x = [], features
        for n, times in enumerate(self.stages):
            stride = 1 if n == 0 else 2
            x = down(times * self.width, stride, self.compute, name=f"down_{n}")(x)
            stages.append(x)
        bottleneck = stages.pop()
        for n, skip in enumerate(reversed(stages)):
            x = up(skip.shape[-1], self.compute, name=f"up_{n}")(x, skip)
        x = convolved(x, self.width, self.compute, "last")
        logits = conv(self.times**2, 3, self.compute, "logits")(x).astype(jnp.float32)
        return UNetOutput(_depth_to_space(logits, self.times), bottleneck)


def _depth_to_space(values: jax.Array, times: int) -> jax.Array:
    """The channels of each place as a square of pixels, [B, H, W, times^2] to [B, times H, times W]."""
    batch, height, width, _ = values.shape
    squares = values.reshape(batch, height, width, times, times)
    return squares.transpose(0, 1, 3, 2, 4).reshape(batch, height * times, width * times)


class ResidualSE(nn.Module):
    """Two convolutions, the first with the stride, and a channel gate, added to a shortcut."""

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
    """Nearest-neighbour upsampling by 2, concatenated with the encoder's stage of that side.

    A side that was odd before it was halved was rounded up: what is too much is cut off.
    """

    channels: int
    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array, skip: jax.Array) -> jax.Array:
        larger = x.repeat(2, axis=1).repeat(2, axis=2)[:, : skip.shape[1], : skip.shape[2]]
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
    """The factor of each channel, in 0..1: [B, H, W, C] to [B, 1, 1, C]."""

    compute: Compute

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        squeezed = x.mean((1, 2), keepdims=True)
        narrow = conv(max(channels // REDUCTION, _MIN_CHANNELS), 1, self.compute, "squeeze")(
            squeezed
        )
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
    """He et al. (2015). Drawn flat: a draw of four axes takes seconds to compile for each kernel."""
    spread = math.sqrt(2 / math.prod(shape[:-1]))
    return (spread * jax.random.normal(key, (math.prod(shape),), dtype)).reshape(shape)


def group_norm(x: jax.Array, compute: Compute, name: str) -> jax.Array:
    """GroupNorm in float32, of `GROUPS` groups, or of one if they do not divide the channels."""
    groups = GROUPS if x.shape[-1] % GROUPS == 0 else 1
    norm = nn.GroupNorm(groups, use_fast_variance=False, name=name)
    return norm(x.astype(jnp.float32)).astype(compute.dtype)


def convolved(
    x: jax.Array, channels: int, compute: Compute, name: str, stride: int = 1
) -> jax.Array:
    """Convolution of 3 x 3, GroupNorm, ReLU."""
    x = conv(channels, 3, compute, name, stride)(x)
    return nn.relu(group_norm(x, compute, f"{name}_norm"))
