"""What the detectors share: random keys, pooling, the classifier, its start and loss, the prediction."""

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import vit
from jaxfake.models.losses import Term
from jaxfake.models.method import Params, Prediction
from jaxfake.models.part_passes import CombinedPasses, by_pass
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch

CLASSIFIER = "verdict"
"""Name of the classifier's parameters, as existing checkpoints have it."""

OVERALL_NORM = "overall_norm"
"""Name of the LayerNorm of the finetuned network's features."""

PROBE = "probe"
"""Name of a linear probe among what a method starts from: arrays as in `Probe`."""


class Probe(NamedTuple):
    """A linear probe on features of mean 0 and variance 1, so that small steps can change it."""

    weights: jax.Array  # [W]
    offset: jax.Array
    mean: jax.Array  # [W], of the features
    spread: jax.Array  # [W], their standard deviation, greater than 0


class TrainingKeys(NamedTuple):
    """Keys of what is random in training, [B] each."""

    mask: jax.Array
    path: jax.Array  # stochastic depth
    dropout: jax.Array


class Classification(NamedTuple):
    """The predicted classes of a batch compared with its labels."""

    cross_entropy: Term
    accuracy: Term  # at P(fake) = 0.5


class Classifier(nn.Module):
    """From the features of a face to the logits of real and fake."""

    compute: Compute
    dropout: float

    @nn.compact
    def __call__(self, features: list[jax.Array], keys: jax.Array | None) -> jax.Array:
        """Logits, float32 [B, 2].

        Args:
            features: [B, D] each, to be concatenated.
            keys: [B], of dropout; None for no dropout.
        """
        x = jnp.concatenate(features, axis=-1)
        if keys is not None and self.dropout:
            shape, kept = x.shape[1:], 1.0 - self.dropout
            draw = jax.vmap(lambda key: jax.random.bernoulli(key, kept, shape))
            x = x * (draw(keys).astype(x.dtype) / kept)
        return vit.dense(2, self.compute, "logits")(x).astype(jnp.float32)


def start_at_probe(head: Params, start: Params | None, *, last: bool) -> Params:
    """A head whose logits begin as those of a linear probe on the imported network, if there is one.

    Args:
        head: fresh parameters.
        start: what the method starts from, see `Method.init`.
        last: whether the features of that network come last in the classifier, or first.
    """
    probe: Probe | None = (start or {}).get(PROBE)
    if probe is None:
        return head
    fresh = head[CLASSIFIER]["logits"]["kernel"]
    # The logit of a fake minus that of a real face is the probe's.
    rows = jnp.stack([-probe.weights, probe.weights], axis=1) / 2
    bias = jnp.stack([-probe.offset, probe.offset]) / 2
    others = jnp.zeros((len(fresh) - len(rows), 2))
    kernel = jnp.concatenate([others, rows] if last else [rows, others])
    norm = {"scale": 1 / probe.spread, "bias": -probe.mean / probe.spread}
    return head | {OVERALL_NORM: norm, CLASSIFIER: {"logits": {"kernel": kernel, "bias": bias}}}


def classify(head: nn.Module, params: Params, *inputs: object) -> jax.Array:
    """The logits of a method's head, float32 [B, 2]."""
    logits = head.apply({"params": params}, *inputs)
    return cast(jax.Array, logits)  # Flax types it as what any module may return


def training_keys(keys: jax.Array) -> TrainingKeys:
    """Independent keys from one key per example, [B]."""
    several = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
    return TrainingKeys(*several)


def pool(tokens: jax.Array) -> jax.Array:
    """Mean of the patch tokens, [B, 1 + n, D] to [B, D]; the class token is left out."""
    return tokens[:, 1:].mean(1)


def pool_where(features: jax.Array, chosen: jax.Array) -> jax.Array:
    """Mean of features [B, N, D] over the patches chosen by bool [B, N], at least one: [B, D]."""
    weight = chosen.astype(features.dtype)
    return (features * (weight / weight.sum(1, keepdims=True))[..., None]).sum(1)


def fake_probability(logits: jax.Array) -> jax.Array:
    """P(fake), float32 [B], of logits [B, 2]."""
    return jax.nn.softmax(logits)[:, schema.FAKE]


def mean_prediction(logits: jax.Array, combined: CombinedPasses | None) -> Prediction:
    """P(fake) averaged over the K passes, with the recovered face.

    Args:
        logits: float32 [K B, 2].
        combined: None for a method that recovers no face.
    """
    score = by_pass(fake_probability(logits)).mean(0)
    if combined is None:
        return Prediction(score, None, None, None, {})
    return Prediction(score, combined.error, combined.recovered, combined.hidden, {})


def classification(logits: jax.Array, batch: Batch) -> Classification:
    """Cross-entropy and accuracy of logits [B, 2], for every valid example."""
    label, valid = batch[schema.LABEL], batch[schema.VALID].astype(jnp.float32)
    log_likelihood = jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1)[:, 0]
    correct = (logits.argmax(1) == label).astype(jnp.float32)
    return Classification(Term(-log_likelihood, valid), Term(correct, valid))


def class_weight(batch: Batch, label: int) -> jax.Array:
    """Weights that select a class, float32 [B]: 1 for its valid examples, 0 for all others."""
    return (batch[schema.VALID] & (batch[schema.LABEL] == label)).astype(jnp.float32)
