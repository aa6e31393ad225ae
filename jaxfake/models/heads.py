"""What the detectors share: draws for training, pooled tokens, and the verdict with its loss."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import vit
from jaxfake.models.losses import Term
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch


class TrainingKeys(NamedTuple):
    """What is drawn anew for each example of a training batch, keys [B] each."""

    mask: jax.Array
    path: jax.Array  # which branches are dropped
    features: jax.Array  # which features are dropped


class Judged(NamedTuple):
    """The verdicts on a batch against its labels."""

    cross_entropy: Term
    accuracy: Term  # at P(fake) = 0.5


class Verdict(nn.Module):
    """Features of a face to the logits of real and fake."""

    compute: Compute
    dropout: float

    @nn.compact
    def __call__(self, features: list[jax.Array], keys: jax.Array | None) -> jax.Array:
        """Logits, float32 [B, 2].

        Args:
            features: [B, D] each, laid side by side.
            keys: [B], of dropout; None for none.
        """
        together = jnp.concatenate(features, axis=-1)
        if keys is not None and self.dropout:
            shape, kept = together.shape[1:], 1.0 - self.dropout
            draw = jax.vmap(lambda key: jax.random.bernoulli(key, kept, shape))
            together = together * (draw(keys).astype(together.dtype) / kept)
        return vit.dense(2, self.compute, "logits")(together).astype(jnp.float32)


def training_keys(keys: jax.Array) -> TrainingKeys:
    """Independent keys from one per example, keys [B]."""
    several = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
    return TrainingKeys(*several)


def mean_patch(tokens: jax.Array) -> jax.Array:
    """Mean of the patch tokens, [B, 1 + n, D] to [B, D]; the class token stays out."""
    return tokens[:, 1:].mean(1)


def mean_where(features: jax.Array, chosen: jax.Array) -> jax.Array:
    """Mean of [B, N, D] features over the patches chosen by bool [B, N], at least one: [B, D]."""
    weight = chosen.astype(features.dtype)
    return (features * (weight / weight.sum(1, keepdims=True))[..., None]).sum(1)


def fake_probability(logits: jax.Array) -> jax.Array:
    """P(fake), float32 [B], of logits [B, 2]."""
    return jax.nn.softmax(logits)[:, schema.FAKE]


def judge(logits: jax.Array, batch: Batch) -> Judged:
    """Cross-entropy and accuracy of logits [B, 2], for every valid example."""
    label, valid = batch[schema.LABEL], batch[schema.VALID].astype(jnp.float32)
    log_chance = jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1)[:, 0]
    right = (logits.argmax(1) == label).astype(jnp.float32)
    return Judged(Term(-log_chance, valid), Term(right, valid))


def of_class(batch: Batch, label: int) -> jax.Array:
    """Weights of the valid examples of a class, float32 [B]: 1, all others 0."""
    return (batch[schema.VALID] & (batch[schema.LABEL] == label)).astype(jnp.float32)
