"""A digest of arrays that is computed where they are, so that a single flipped bit is noticed."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxfake.models.remat import on_device


def array_digest(state: Any) -> list[list[int]]:
    """Two 32-bit sums per array; any change of a single word changes both."""
    return jax.device_get(_sums(jax.tree.leaves(state))).tolist()


@jax.jit
def _sums(leaves: list[jax.Array]) -> jax.Array:
    """uint32 [leaves, 2]. Sums of mixed words are exact and independent of the sharding."""
    return jnp.stack([_leaf_sums(leaf) for leaf in on_device(leaves)])


@jax.jit  # traced once for all leaves of a shape
def _leaf_sums(leaf: jax.Array) -> jax.Array:
    bits = jax.lax.bitcast_convert_type(leaf, f"uint{8 * leaf.dtype.itemsize}")
    words = bits.astype(jnp.uint32)
    place = jnp.zeros(leaf.shape, jnp.uint32)
    for axis, length in enumerate(leaf.shape):
        index = jax.lax.broadcasted_iota(jnp.uint32, leaf.shape, axis)
        place = place * jnp.uint32(length) + index
    mixed = _mix(words ^ _mix(place + jnp.uint32(0x9E3779B9)))
    return jnp.stack([mixed.sum(dtype=jnp.uint32), _mix(mixed).sum(dtype=jnp.uint32)])


def _mix(words: jax.Array) -> jax.Array:
    """The finaliser of MurmurHash3 (Appleby, public domain): a bijection of 32-bit words."""
    words = (words ^ (words >> 16)) * jnp.uint32(0x85EBCA6B)
    words = (words ^ (words >> 13)) * jnp.uint32(0xC2B2AE35)
    return words ^ (words >> 16)
