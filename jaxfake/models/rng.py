"""Named random streams: every draw replays from (seed, name, step, place in the batch).

No key is kept in any state, so resuming needs none; and because each example has a key of its own, the
same batch gives the same draws however it is spread over devices or cut for gradient accumulation.
"""

import functools
import hashlib
import zlib

import jax
import jax.numpy as jnp
import numpy as np


def stream(seed: int, name: str) -> jax.Array:
    """The root key of a stream."""
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))


def example_keys(root: jax.Array, step: jax.Array, count: int) -> jax.Array:
    """A key for each of the `count` examples of the batch at `step`: keys [B]."""
    return seeded_keys(jax.random.fold_in(root, step), jnp.arange(count, dtype=jnp.uint32))


def seeded_keys(root: jax.Array, seeds: jax.Array) -> jax.Array:
    """A key for each of the uint32 seeds [B]; in evaluation they are hashes of video and frame."""
    return jax.vmap(lambda seed: jax.random.fold_in(root, seed))(seeds)


@functools.cache
def fingerprint() -> str:
    """Of the numbers that are drawn here: a run goes on only where they are those it began with.

    They are the same on every kind of device; a version of JAX, or one of its settings, may change them.
    """

    @jax.jit
    def draw() -> tuple[jax.Array, ...]:
        keys = example_keys(stream(0, "fingerprint"), jnp.uint32(1), 4)
        return (
            jax.random.key_data(jax.vmap(lambda key: jax.random.split(key, 3))(keys)),
            jax.vmap(lambda key: jax.random.uniform(key, (5,)))(keys),
            jax.vmap(lambda key: jax.random.randint(key, (5,), 0, 1000))(keys),
        )

    drawn = b"".join(np.asarray(numbers).tobytes() for numbers in draw())
    return hashlib.sha256(drawn).hexdigest()[:16]
