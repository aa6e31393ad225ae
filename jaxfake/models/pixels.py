"""From uint8 pixels to the networks' range, to patches, and back."""

import jax
import jax.numpy as jnp


def normalise(image: jax.Array) -> jax.Array:
    """uint8 [B, H, W, C] in 0..255 to float32 in -1..1, the range of all networks."""
    return (image.astype(jnp.float32) / 255.0 - 0.5) / 0.5


def to_picture(pixels: jax.Array) -> jax.Array:
    """Float pixels in -1..1, any shape, to uint8 in 0..255; other values are clipped."""
    return jnp.round(jnp.clip(pixels * 0.5 + 0.5, 0.0, 1.0) * 255.0).astype(jnp.uint8)


def patchify(image: jax.Array, patch: int) -> jax.Array:
    """[B, H, W, C] to [B, N, P]: patches by rows, each flattened as (row, column, channel)."""
    batch, height, width, channels = image.shape
    rows, columns = height // patch, width // patch
    cut = image.reshape(batch, rows, patch, columns, patch, channels)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows * columns, -1)


def unpatchify(patches: jax.Array, patch: int, channels: int = 3) -> jax.Array:
    """[B, N, P] of a square image back to [B, H, W, C]."""
    batch, count, _ = patches.shape
    side = round(count**0.5)
    cut = patches.reshape(batch, side, side, patch, patch, channels)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(batch, side * patch, side * patch, channels)
