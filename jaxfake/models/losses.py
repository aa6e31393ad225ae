"""Losses with one value per example, and the one place where they are averaged."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Term(NamedTuple):
    """One loss or metric: a value and a weight for each example.

    `weight` must depend on the batch only, not on the parameters: gradient accumulation sums the weights
    of the whole batch before the first gradient.
    """

    values: jax.Array  # float32 [B]
    weight: jax.Array  # float32 [B], 0 for an example that does not count (padding, other class)


def masked_mean(term: Term, count: jax.Array | None = None) -> jax.Array:
    """The weighted mean of a term over the batch; 0 where no example counts, never NaN.

    Args:
        term: of a batch, or of a part of it.
        count: float32 [], sum of the weights of the whole batch, if the term is of a part. The means of
            the parts then add up to that of the batch.
    """
    total = term.weight.sum() if count is None else count
    return weighted_sum(term) / jnp.where(total == 0, 1.0, total)


def weighted_sum(term: Term) -> jax.Array:
    """The weighted sum of the values; values of weight 0 are ignored, even if they are not finite."""
    return jnp.where(term.weight == 0, 0.0, term.values * term.weight).sum()


def squared_error(predicted: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared error of each patch over its pixels: [B, N, P] twice to float32 [B, N]."""
    difference = predicted.astype(jnp.float32) - target.astype(jnp.float32)
    return jnp.square(difference).mean(-1)


def mean_over(values: jax.Array, where: jax.Array) -> jax.Array:
    """Mean of the values [B, N] where bool [B, N] is true, 0 where it never is: float [B]."""
    return jnp.where(where, values, 0.0).sum(1) / jnp.maximum(where.sum(1), 1).astype(values.dtype)


def pixel_cross_entropy(logits: jax.Array, mask: jax.Array, positive_weight: float) -> jax.Array:
    """Binary cross-entropy of the pixels of each face, averaged: [B, h, w] twice to float32 [B].

    Args:
        logits: that a pixel is manipulated.
        mask: float, 0 or 1.
        positive_weight: weight of a manipulated pixel; other pixels have weight 1.
    """
    # softplus(-x) = softplus(x) - x, so one of the two is enough.
    positive = positive_weight * mask
    return ((positive + 1.0 - mask) * jax.nn.softplus(logits) - positive * logits).mean((1, 2))


def soft_dice_loss(probability: jax.Array, mask: jax.Array) -> jax.Array:
    """1 - Dice of probabilities, of each face: [B, h, w] twice to float32 [B] (Milletari et al., 2016).

    1 is added to the numerator and the denominator, so that an empty mask has a finite loss.
    """
    common = (probability * mask).sum((1, 2))
    return 1.0 - (2.0 * common + 1.0) / ((probability + mask).sum((1, 2)) + 1.0)
