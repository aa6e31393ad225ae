"""What a method offers to the training loop, which does not know which method it trains."""

from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
from flax import linen as nn

from jaxfake.models.losses import Term
from jaxfake.schema import Batch

Params = Any


class Losses(NamedTuple):
    """The losses and metrics of a batch, with one value per example."""

    total: dict[str, Term]  # their sum is minimised; each contains its coefficient
    metrics: dict[str, Term]  # only reported


class Prediction(NamedTuple):
    """What a method predicts for each face of a batch. A fake should have a larger `score`."""

    score: jax.Array  # float32 [B]; P(fake) for a trained detector
    heat: jax.Array | None  # float32 [B, h, w], >= 0, larger where the face seems manipulated
    recovered: jax.Array | None  # float32 [B, H, W, 3] in -1..1
    hidden: jax.Array | None  # bool [B, h, w], the patches of `recovered` that were masked
    evidence: dict[str, jax.Array]  # further scores by name, float32 [B] each


class Method(Protocol):
    """A stage of training: stage 1 (recover) and stage 2 (detect) have the same interface."""

    @property
    def heat_threshold(self) -> float | None:
        """The heat from which on a pixel is predicted to be manipulated; None if there is none."""

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """Initial parameters: the given ones where there are any, else random ones.

        Args:
            key: of the random ones.
            start: {'encoder': ..., 'decoder': ...} of stage 1; 'imported' where the method has an
                imported network beside them, and 'probe' where its head starts at one; None to start
                from scratch.
        """

    def __hash__(self) -> int:
        """Methods are hashable values; compiled functions are cached by them."""

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Losses of a batch; `keys` [B] has one PRNG key per example."""

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """Predictions for a batch, deterministic in `keys` [B]. No label is used."""


@partial(jax.jit, static_argnums=0, inline=True)
def fresh_params(network: nn.Module, key: jax.Array, *inputs: Any) -> Params:
    """Random parameters of a network for such inputs.

    Flax runs the whole network to find them. Compiled, that is traced once for a network and shapes of
    inputs, however often a run asks for the shapes of its parameters.
    """
    return network.init(key, *inputs)["params"]
