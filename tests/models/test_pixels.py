"""Pixels to patches and back."""

import hypothesis.extra.numpy as arrays
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.models.pixels import normalise, patchify, to_picture, unpatchify


@settings(max_examples=10)
@given(batch=st.integers(1, 3), grid=st.integers(1, 4), patch=st.integers(1, 4), data=st.data())
def test_unpatchify_is_the_inverse(batch, grid, patch, data):
    side = grid * patch
    image = data.draw(arrays.arrays(np.uint8, (batch, side, side, 3)))
    patches = patchify(jnp.asarray(image), patch)
    assert patches.shape == (batch, grid**2, patch * patch * 3)
    assert np.array_equal(unpatchify(patches, patch), image)


def test_patches_go_by_rows():
    image = jnp.arange(6 * 6).reshape(1, 6, 6, 1)
    assert np.array_equal(patchify(image, 2)[0, :, 0], [0, 2, 4, 12, 14, 16, 24, 26, 28])


def test_every_grey_level_survives_the_network_range():
    levels = jnp.arange(256, dtype=jnp.uint8).reshape(1, 16, 16, 1)
    pixels = normalise(levels)
    assert pixels.dtype == jnp.float32
    assert (float(pixels.min()), float(pixels.max())) == (-1.0, 1.0)
    assert np.array_equal(to_picture(pixels), levels)


def test_pictures_clip_what_lies_outside():
    assert to_picture(jnp.array([-7.0, 1.5])).tolist() == [0, 255]
