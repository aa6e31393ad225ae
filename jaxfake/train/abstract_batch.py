"""The shapes of a training batch, for what is compiled before any data is read."""

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.schema import Batch


def abstract_batch(size: int, count: int) -> Batch:
    """The shapes of a training batch of `count` faces of `size` pixels."""
    shapes = {
        schema.ROW: ((), jnp.int32),
        schema.IMAGE: ((size, size, 3), jnp.uint8),
        schema.LANDMARKS: ((68, 2), jnp.float32),
        schema.LABEL: ((), jnp.int32),
        schema.FORGERY_MASK: ((size, size), jnp.uint8),
        schema.HAS_MASK: ((), jnp.bool_),
        schema.MASK_SEED: ((), jnp.uint32),
        schema.VIDEO: ((), jnp.uint32),
        schema.MANIPULATION: ((), jnp.uint32),
        schema.VALID: ((), jnp.bool_),
    }
    return {
        name: jax.ShapeDtypeStruct((count, *shape), dtype)
        for name, (shape, dtype) in shapes.items()
    }
