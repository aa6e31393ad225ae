"""Named random streams: every random number follows from (seed, name, step, place in the batch).

No key is part of a training state, so resuming needs none. Each example has its own key, so the same batch
gets the same random numbers however it is divided among devices or for gradient accumulation.
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
def digest() -> str:
    """A digest of some random numbers; a run resumes only where it is the same as at its start.

    The numbers are the same on all devices; another version of JAX, or its settings, may change them.
    """

    @jax.jit
    def draw() -> tuple[jax.Array, ...]:
        # The name of the stream is part of the digests in existing checkpoints.
        keys = example_keys(stream(0, "fingerprint"), jnp.uint32(1), 4)
        return (
            jax.random.key_data(jax.vmap(lambda key: jax.random.split(key, 3))(keys)),
            jax.vmap(lambda key: jax.random.uniform(key, (5,)))(keys),
            jax.vmap(lambda key: jax.random.randint(key, (5,), 0, 1000))(keys),
        )

    drawn = b"".join(np.asarray(numbers).tobytes() for numbers in draw())
    return hashlib.sha256(drawn).hexdigest()[:16]
