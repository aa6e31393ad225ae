"""A recovery as a picture, input | masked | recovered | error, for the report and TensorBoard."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfake.models.method import Prediction
from jaxfake.models.pixels import normalise, to_picture

GREY = 128

ERROR_GAIN = 4.0
"""Errors are shown this many times brighter, so that small ones are visible."""


def recovery_strips(image: jax.Array, prediction: Prediction) -> jax.Array:
    """One strip per face, uint8 [B, H, 4 W, 3].

    Args:
        image: uint8 [B, H, W, 3].
        prediction: one with `recovered` and `hidden`.
    """
    recovered, hidden = prediction.recovered, prediction.hidden
    if recovered is None or hidden is None:
        raise ValueError("this prediction has no recovered face")
    pixels_hidden = enlarge(hidden, image.shape[1])[..., None]
    masked = jnp.where(pixels_hidden, jnp.uint8(GREY), image)
    error = jnp.abs(recovered - normalise(image)) / 2.0
    bright = to_picture(jnp.where(pixels_hidden, error, 0.0) * ERROR_GAIN * 2.0 - 1.0)
    shown = jnp.where(pixels_hidden, to_picture(recovered), image)
    return jnp.concatenate([image, masked, shown, bright], axis=2)


def enlarge(values: jax.Array, side: int) -> jax.Array:
    """Values of patches, [B, n, n, ...], to those of the pixels, [B, side, side, ...].

    Where a pixel lies in two patches, which is where n does not divide the side, its centre decides.
    """
    count = values.shape[1]
    if side % count == 0:
        times = side // count
        return values.repeat(times, axis=1).repeat(times, axis=2)
    patch = (2 * np.arange(side) + 1) * count // (2 * side)
    return values[:, patch][:, :, patch]
