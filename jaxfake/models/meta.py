"""Learning to generalise: an update is judged by faces that it was not made from (MLDG; Li et al., 2018).

Of each batch some videos are held out. The loss on the others is added to the loss on those held out after
one inner step on the others. Stated by Delocate: the training data are split into meta-train and
meta-test at random, 7 to 3. Our choice: the split is by video and keeps both classes in both halves; the
inner step is plain gradient descent; it is first order unless asked (derivatives of the inner gradient
are dropped). Holding out one manipulation is the more usual reading of 'domain'.

Both halves have a fixed number of rows, so that an update costs about as much as a plain one of the whole
batch. A face that fits in neither, since videos are never divided, sits the update out.

A method that is made to generalise so is a method like any other: the loop knows nothing of it.
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
class MetaRule:
    """What is held out, and how.

    Attributes:
        held_out: 'none' for plain training; 'videos', three of ten at random; 'manipulation', all fakes of
            one of the batch's manipulations, and three of ten real videos.
        second_order: whether the outer gradient goes through the inner one.
        inner_rate: of the inner step.
        weight: of the loss on what was held out.
    """

    held_out: Literal["none", "videos", "manipulation"]
    second_order: bool
    inner_rate: float
    weight: float


class Half(NamedTuple):
    """A part of a batch."""

    rows: jax.Array  # int32 [n]
    counts: jax.Array  # bool [n]; False for a face that only fills up the number


class Halves(NamedTuple):
    """Meta-train and meta-test; no video is in both."""

    train: Half
    test: Half


@dataclasses.dataclass(frozen=True)
class MetaLearned:
    """A method whose updates are judged by held-out faces."""

    method: Method
    rule: MetaRule

    @property
    def heat_threshold(self) -> float | None:
        return self.method.heat_threshold

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        return self.method.init(key, autoencoder)

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """The method's losses on one half of the batch, and on the other after a step on the first."""
        halves = divide(self.rule, batch, keys[0])

        def before(params: Params) -> tuple[jax.Array, Losses]:
            losses = self._on(halves.train, params, batch, keys)
            return _sum_of_means(losses.total), losses

        (_, losses), inner = jax.value_and_grad(before, has_aux=True)(params)
        if not self.rule.second_order:
            inner = jax.lax.stop_gradient(inner)
        stepped = jax.tree.map(lambda p, g: p - self.rule.inner_rate * g, params, inner)
        after = self._on(halves.test, stepped, batch, keys).total
        later = {
            f"after_{name}": Term(self.rule.weight * term.values, term.weight)
            for name, term in after.items()
        }
        return Losses(losses.total | later, losses.watch)

    def _on(self, half: Half, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """The method's losses on the faces of a half."""
        part, part_keys = jax.tree.map(lambda rows: rows[half.rows], (batch, keys))
        losses = self.method.losses(params, part, part_keys)
        return Losses(*({name: _among(t, half) for name, t in terms.items()} for terms in losses))

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        return self.method.predict(params, batch, keys)


def generalising(method: Method, rule: MetaRule) -> Method:
    """The method with its updates judged as the rule says."""
    return method if rule.held_out == "none" else MetaLearned(method, rule)


def divide(rule: MetaRule, batch: Batch, key: jax.Array) -> Halves:
    """Three tenths of the rows for the meta-test, the rest for the meta-train, faces held out first."""
    held = held_out(rule, batch, key)
    order = jnp.argsort(~held)
    of_test = round(META_TEST_SHARE * len(order))
    test, train = order[:of_test], order[of_test:]
    return Halves(Half(train, ~held[train]), Half(test, held[test]))


def held_out(rule: MetaRule, batch: Batch, key: jax.Array) -> jax.Array:
    """Which faces are the meta-test, bool [B]; never some faces of a video and not others."""
    video_key, method_key = jax.random.split(key)
    real = batch[schema.LABEL] == schema.REAL
    some = _some_videos(batch, real, video_key)
    if rule.held_out == "manipulation":
        return jnp.where(real, some, _one_manipulation(batch, ~real, method_key))
    return some | _some_videos(batch, ~real, video_key)


def _some_videos(batch: Batch, among: jax.Array, key: jax.Array) -> jax.Array:
    """About three tenths of the faces chosen by `among`, by video; of two videos or more at least one
    is held out and at least one is not."""
    draw = _draws(batch[schema.VIDEO], key)
    below = (draw[None, :] < draw[:, None]) & among[None, :]
    place = below.sum(1) / jnp.maximum(among.sum(), 1)  # share of the class with a smaller draw
    low, high = (
        limit(jnp.where(among, draw, missing))
        for limit, missing in ((jnp.min, jnp.inf), (jnp.max, -jnp.inf))
    )
    chosen = (place >= 1.0 - META_TEST_SHARE) | (draw == high)
    return among & chosen & (draw != low)


def _one_manipulation(batch: Batch, fake: jax.Array, key: jax.Array) -> jax.Array:
    """The fakes of one manipulation at random; none if there is one alone."""
    draw = _draws(batch[schema.MANIPULATION], key)
    low = jnp.min(jnp.where(fake, draw, jnp.inf))
    high = jnp.max(jnp.where(fake, draw, -jnp.inf))
    return fake & (draw == high) & (draw != low)


def _draws(names: jax.Array, key: jax.Array) -> jax.Array:
    """A number in 0..1 for each name, uint32 [B] to float32 [B]; the same for the same name."""
    return jax.vmap(lambda name: jax.random.uniform(jax.random.fold_in(key, name)))(names)


def _among(term: Term, half: Half) -> Term:
    return Term(term.values, term.weight * half.counts.astype(jnp.float32))


def _sum_of_means(terms: dict[str, Term]) -> Any:
    return jnp.stack([masked_mean(term) for term in terms.values()]).sum()
