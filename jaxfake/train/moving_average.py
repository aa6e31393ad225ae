"""The moving average of the parameters, whose window grows with training.

A constant decay of 0.9999 keeps 82 % of the random initialisation after 2,000 steps, so a run that is
evaluated early would be judged by what it never learnt. The decay here is at most (1 + n) / (10 + n) after
n updates: the average reaches back over a ninth of the steps until that is as long as the decay allows, and
what is left of the initialisation after n updates falls as n to the power of -9. Our choice.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxfake.models.method import Params


def averaged(limit: float, updates: jax.Array, old: Params | None, new: Params) -> Params | None:
    """The average after one more update; None if none is kept.

    Args:
        limit: the decay that is never exceeded, `Stage.ema`.
        updates: int32 [], how many were made before this one.
        old: the average so far.
        new: the parameters after this update.
    """
    if old is None:
        return None
    decay = jnp.minimum(limit, _growing(updates.astype(jnp.float32)))

    def mix(average: Any, parameter: Any) -> Any:
        return decay * average + (1.0 - decay) * parameter

    return jax.tree.map(mix, old, new)


def window(limit: float, updates: int) -> float:
    """Over about how many of the last steps the average reaches after so many updates."""
    return 1.0 / (1.0 - min(limit, _growing(updates)))


def _growing(updates: Any) -> Any:
    return (1.0 + updates) / (10.0 + updates)
