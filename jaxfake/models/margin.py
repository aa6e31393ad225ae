"""A push with a bound: how far is far, and which fakes count more (Recap and Delocate).

The bound is a multiple of the typical distance of real faces, and the emphasis is relative to the typical
recovery error of fakes. Both are running medians, kept as parameters with a loss of their own
(quantile regression; Koenker and Bassett, 1978), so that they are saved, sharded and resumed like all else.
Our choice throughout: pushing without a bound has no optimum.
"""

import jax
import jax.numpy as jnp

from jaxfake.models.losses import Term
from jaxfake.models.method import Params

MARGIN = 4.0
"""Fakes are pushed until they are so many times as far from their recovery as a typical real face."""

FLOOR = 0.02
"""The typical distance is taken to be at least this, squared error in -1..1."""

EMPHASIS = (0.25, 4.0)
"""Bounds of the weight of a fake."""

_FIRST_GUESS = 0.1


def first_guess() -> Params:
    """The logarithms of both medians before anything was seen."""
    guess = jnp.log(jnp.asarray(_FIRST_GUESS, jnp.float32))
    return {"real_distance": guess, "fake_error": guess}


def bound(margin: Params) -> jax.Array:
    """The distance up to which fakes are pushed, float32 []."""
    typical = jnp.exp(jax.lax.stop_gradient(margin["real_distance"]))
    return MARGIN * jnp.maximum(typical, FLOOR)


def emphasis(margin: Params, recovery_error: jax.Array) -> jax.Array:
    """Weight of each face [B], the larger the more poorly it was recovered."""
    usual = jnp.exp(jax.lax.stop_gradient(margin["fake_error"]))
    return jnp.clip(recovery_error / usual, *EMPHASIS)


def median_terms(margin: Params, distance: Term, recovery_error: Term) -> dict[str, Term]:
    """What moves the medians, and nothing else.

    Args:
        margin: both medians.
        distance: of the real faces from their recovery, of which the bound is a multiple.
        recovery_error: of the fakes.
    """
    return {
        "real_median": _off_median(margin["real_distance"], distance),
        "fake_median": _off_median(margin["fake_error"], recovery_error),
    }


def _off_median(log_median: jax.Array, term: Term) -> Term:
    """Smallest at the median of the values' logarithms."""
    known = jnp.log(jax.lax.stop_gradient(term.values) + 1e-8)
    return Term(jnp.abs(known - log_median), term.weight)
