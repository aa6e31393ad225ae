"""Meta-learning of domain generalisation (MLDG; Li et al., 2018), as Delocate uses it.

Each batch is split into meta-train and meta-test. The loss is that of the meta-train, plus that of the
meta-test after one inner step of gradient descent on the meta-train. Stated by Delocate: the training data
are split at random, 7 to 3. Our choice: the split is by video and has both classes on both sides; it is
first order by default, which means that the gradient is not taken through the inner gradient. Holding out
a whole manipulation is the more common meaning of 'domain'.

Both sides have a fixed number of rows, so an update costs about as much as a plain one of the whole batch.
Videos are never divided, so a few faces may fit on neither side; those do not count in this update.

The result is a method like any other: the training loop does not know about meta-learning.
"""

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.models.losses import Term, masked_mean
from jaxfake.models.method import Losses, Method, Params, Prediction
from jaxfake.schema import Batch

META_TEST_SHARE = 0.3


@dataclasses.dataclass(frozen=True)
class MetaSettings:
    """Settings of meta-learning.

    Attributes:
        held_out: what the meta-test is. 'none': plain training; 'videos': three of ten at random;
            'manipulation': all fakes of one manipulation of the batch, and three of ten real videos.
        second_order: whether the outer gradient is taken through the inner gradient.
        inner_rate: learning rate of the inner step.
        weight: of the loss of the meta-test.
    """

    held_out: Literal["none", "videos", "manipulation"]
    second_order: bool
    inner_rate: float
    weight: float


class Subset(NamedTuple):
    """A part of a batch."""

    rows: jax.Array  # int32 [n]
    counts: jax.Array  # bool [n]; False for a face that only pads the subset


class MetaSplit(NamedTuple):
    """Meta-train and meta-test; no video is in both."""

    train: Subset
    test: Subset


@dataclasses.dataclass(frozen=True)
class MetaLearned:
    """A method trained by meta-learning."""

    method: Method
    settings: MetaSettings

    @property
    def heat_threshold(self) -> float | None:
        return self.method.heat_threshold

    def init(self, key: jax.Array, start: Params | None) -> Params:
        return self.method.init(key, start)

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """The method's losses on the meta-train, and on the meta-test after a step on the meta-train."""
        split = split_batch(self.settings, batch, keys[0])

        def train_loss(params: Params) -> tuple[jax.Array, Losses]:
            losses = self._losses_on(split.train, params, batch, keys)
            return _sum_of_means(losses.total), losses

        (_, losses), inner = jax.value_and_grad(train_loss, has_aux=True)(params)
        if not self.settings.second_order:
            inner = jax.lax.stop_gradient(inner)
        stepped = jax.tree.map(lambda p, g: p - self.settings.inner_rate * g, params, inner)
        test_losses = self._losses_on(split.test, stepped, batch, keys).total
        after = {
            f"after_{name}": Term(self.settings.weight * term.values, term.weight)
            for name, term in test_losses.items()
        }
        return Losses(losses.total | after, losses.metrics)

    def _losses_on(self, subset: Subset, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """The method's losses on the faces of a subset."""
        part, part_keys = jax.tree.map(lambda rows: rows[subset.rows], (batch, keys))
        losses = self.method.losses(params, part, part_keys)
        return Losses(
            *({name: _weighted(t, subset) for name, t in terms.items()} for terms in losses)
        )

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        return self.method.predict(params, batch, keys)


def with_meta_learning(method: Method, settings: MetaSettings) -> Method:
    """The method trained by meta-learning, or the method itself if nothing is held out."""
    return method if settings.held_out == "none" else MetaLearned(method, settings)


def split_batch(settings: MetaSettings, batch: Batch, key: jax.Array) -> MetaSplit:
    """Splits a batch; three tenths of its rows are the meta-test, held-out faces first."""
    held_out = held_out_faces(settings, batch, key)
    order = jnp.argsort(~held_out)
    count = round(META_TEST_SHARE * len(order))
    test, train = order[:count], order[count:]
    return MetaSplit(Subset(train, ~held_out[train]), Subset(test, held_out[test]))


def held_out_faces(settings: MetaSettings, batch: Batch, key: jax.Array) -> jax.Array:
    """Which faces are held out for the meta-test, bool [B]; of a video either all or none."""
    video_key, manipulation_key = jax.random.split(key)
    real = batch[schema.LABEL] == schema.REAL
    real_videos = _some_videos(batch, real, video_key)
    if settings.held_out == "manipulation":
        return jnp.where(real, real_videos, _one_manipulation(batch, ~real, manipulation_key))
    return real_videos | _some_videos(batch, ~real, video_key)


def _some_videos(batch: Batch, among: jax.Array, key: jax.Array) -> jax.Array:
    """About three tenths of the faces chosen by `among`, by video.

    Of two videos or more, at least one is held out and at least one is not.
    """
    draw = _draws(batch[schema.VIDEO], key)
    below = (draw[None, :] < draw[:, None]) & among[None, :]
    rank = below.sum(1) / jnp.maximum(among.sum(), 1)  # share of the class with a smaller number
    low, high = (
        limit(jnp.where(among, draw, missing))
        for limit, missing in ((jnp.min, jnp.inf), (jnp.max, -jnp.inf))
    )
    chosen = (rank >= 1.0 - META_TEST_SHARE) | (draw == high)
    return among & chosen & (draw != low)


def _one_manipulation(batch: Batch, fake: jax.Array, key: jax.Array) -> jax.Array:
    """The fakes of a random manipulation; none if the batch has only one manipulation."""
    draw = _draws(batch[schema.MANIPULATION], key)
    low = jnp.min(jnp.where(fake, draw, jnp.inf))
    high = jnp.max(jnp.where(fake, draw, -jnp.inf))
    return fake & (draw == high) & (draw != low)


def _draws(names: jax.Array, key: jax.Array) -> jax.Array:
    """A random number in 0..1 for each name, uint32 [B] to float32 [B]; equal for equal names."""
    return jax.vmap(lambda name: jax.random.uniform(jax.random.fold_in(key, name)))(names)


def _weighted(term: Term, subset: Subset) -> Term:
    return Term(term.values, term.weight * subset.counts.astype(jnp.float32))


def _sum_of_means(terms: dict[str, Term]) -> Any:
    return jnp.stack([masked_mean(term) for term in terms.values()]).sum()
