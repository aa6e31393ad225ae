"""The small interface between a method and the one loop that trains them all."""

from typing import Any, NamedTuple, Protocol

import jax

from jaxfake.models.losses import Term
from jaxfake.schema import Batch

Params = Any


class Losses(NamedTuple):
    """What a method wants to be small, and what it wants to be watched; a value per example each."""

    total: dict[str, Term]  # summed, each with its coefficient in the values, for the gradient
    watch: dict[str, Term]


class Prediction(NamedTuple):
    """What a method says of each face of a batch. `score` grows with suspicion."""

    score: jax.Array  # float32 [B]; P(fake) for a trained detector
    heat: jax.Array | None  # float32 [B, h, w], >= 0, where it was touched
    recovered: jax.Array | None  # float32 [B, H, W, 3] in -1..1
    hidden: jax.Array | None  # bool [B, h, w], what the network did not see of what it recovered
    evidence: dict[str, jax.Array]  # further named scores, float32 [B] each


class Method(Protocol):
    """A stage of training: stage 1 (recover) and stage 2 (detect) look alike to the loop."""

    @property
    def heat_threshold(self) -> float | None:
        """From which heat on a pixel is called touched; None if the heat is an error of no such scale."""

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """Parameters to start from: fresh ones, but for what `autoencoder` brings from stage 1.

        Args:
            key: of the fresh ones.
            autoencoder: {'encoder': ..., 'decoder': ...}, or None to start from scratch.
        """

    def __hash__(self) -> int:
        """Methods are values: what is compiled for one is kept under it."""

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Losses of a batch; `keys` [B] holds one PRNG key per example."""

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """Scores of a batch; deterministic in `keys` [B]. Uses no label."""
