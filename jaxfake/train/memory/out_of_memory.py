"""Whether a device ran out of memory, and what that left."""

import jax

from jaxfake.train.state import TrainState

_WORDS = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device refused an allocation."""
    return isinstance(error, jax.errors.JaxRuntimeError) and any(w in str(error) for w in _WORDS)


def is_whole(state: TrainState) -> bool:
    """Whether a state can still be saved: a step that failed late has used it up, or never made it."""
    try:
        jax.block_until_ready(state)
    except RuntimeError:
        return False
    return not any(leaf.is_deleted() for leaf in jax.tree.leaves(state))
