"""Unreduced losses, and the one place where they are averaged."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Term(NamedTuple):
    """One loss or metric, a value per example, and how much each example counts.

    `weight` must depend on the batch alone, not on the parameters: gradient accumulation sums the
    weights of the whole batch before the first gradient.
    """

    values: jax.Array  # float32 [B]
    weight: jax.Array  # float32 [B], 0 for an example that does not count (padding, other class)


def masked_mean(term: Term, count: jax.Array | None = None) -> jax.Array:
    """The weighted mean of a term over the batch; 0 where no example counts, never NaN.

    Args:
        term: of the batch, or of a part of it.
        count: float32 [], sum of the weights of the whole batch, if the term is of a part: the means
            of the parts then add up to that of the batch.
    """
    total = term.weight.sum() if count is None else count
    return weighted_sum(term) / jnp.where(total == 0, 1.0, total)


def weighted_sum(term: Term) -> jax.Array:
    """The sum of the values of those examples that count; what the others hold is ignored."""
    return jnp.where(term.weight == 0, 0.0, term.values * term.weight).sum()


def squared_error(predicted: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared error of each patch over its pixels: [B, N, P] twice to float32 [B, N]."""
    difference = predicted.astype(jnp.float32) - target.astype(jnp.float32)
    return jnp.square(difference).mean(-1)


def mean_over(values: jax.Array, where: jax.Array) -> jax.Array:
    """Mean of [B, N] values over the patches chosen by bool [B, N]; 0 where none is: float [B]."""
    return jnp.where(where, values, 0.0).sum(1) / jnp.maximum(where.sum(1), 1).astype(values.dtype)


def pixel_cross_entropy(logits: jax.Array, truth: jax.Array, positive_weight: float) -> jax.Array:
    """Binary cross-entropy of each face's pixels, averaged: [B, h, w] twice to float32 [B].

    Args:
        logits: of a pixel's being positive.
        truth: float, 0 or 1.
        positive_weight: how much a positive pixel counts, where another counts 1.
    """
    # softplus(-x) = softplus(x) - x, so one of the two is enough.
    positive = positive_weight * truth
    return ((positive + 1.0 - truth) * jax.nn.softplus(logits) - positive * logits).mean((1, 2))


def soft_dice_error(chance: jax.Array, truth: jax.Array) -> jax.Array:
    """1 - Dice of probabilities, by face: [B, h, w] twice to float32 [B] (Milletari et al., 2016).

    One pixel is added above and below, so that it is finite for an empty mask.
    """
    common = (chance * truth).sum((1, 2))
    return 1.0 - (2.0 * common + 1.0) / ((chance + truth).sum((1, 2)) + 1.0)
