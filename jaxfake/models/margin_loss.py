"""The margin up to which fakes are pushed away, and the emphasis of some fakes (Recap and Delocate).

The margin is a multiple of the median distance of real faces, and the emphasis is relative to the median
recovery error of fakes. Both medians are parameters with a loss of their own (quantile regression;
Koenker and Bassett, 1978), so that they are saved, sharded and resumed like all other parameters. All of
this is our choice: a push without a margin has no optimum.
"""

import jax
import jax.numpy as jnp

from jaxfake.models.losses import Term
from jaxfake.models.method import Params

FACTOR = 4.0
"""The margin, in median distances of real faces from their recovery."""

FLOOR = 0.02
"""Lower bound of the median distance in the margin; squared error in the scale -1..1."""

EMPHASIS = (0.25, 4.0)
"""Smallest and largest weight of a fake."""

_INITIAL_MEDIAN = 0.1


def initial_medians() -> Params:
    """The logarithms of both medians at the start of training."""
    log_median = jnp.log(jnp.asarray(_INITIAL_MEDIAN, jnp.float32))
    return {"real_distance": log_median, "fake_error": log_median}


def margin(medians: Params) -> jax.Array:
    """The distance up to which fakes are pushed, float32 []."""
    median = jnp.exp(jax.lax.stop_gradient(medians["real_distance"]))
    return FACTOR * jnp.maximum(median, FLOOR)


def emphasis(medians: Params, recovery_error: jax.Array) -> jax.Array:
    """The weight of each fake [B]; it grows with the recovery error [B]."""
    median = jnp.exp(jax.lax.stop_gradient(medians["fake_error"]))
    return jnp.clip(recovery_error / median, *EMPHASIS)


def median_losses(medians: Params, distance: Term, recovery_error: Term) -> dict[str, Term]:
    """The losses that train the medians, and nothing else.

    Args:
        medians: the logarithms of both.
        distance: of real faces from their recovery; the margin is a multiple of its median.
        recovery_error: of the fakes.
    """
    return {
        "real_median": _median_loss(medians["real_distance"], distance),
        "fake_median": _median_loss(medians["fake_error"], recovery_error),
    }


def _median_loss(log_median: jax.Array, term: Term) -> Term:
    """The absolute error, which is smallest at the median of the logarithms of the values."""
    values = jnp.log(jax.lax.stop_gradient(term.values) + 1e-8)
    return Term(jnp.abs(values - log_median), term.weight)
