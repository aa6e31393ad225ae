"""The smallest method that can be trained, for tests of what is the same for all of them."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.models.losses import Term
from jaxfake.models.method import Losses, Prediction
from jaxfake.models.pixels import normalise


@dataclasses.dataclass(frozen=True)
class Line:
    """The smallest method: predicts a noisy brightness of a picture from its rows.

    With `poison`, the loss is not a number for a batch that holds the row -1.
    """

    poison: bool = False

    def init(self, key: jax.Array, start: Any) -> Any:
        del start
        kernel = 0.1 * jax.random.normal(key, (32 * 3, 8))
        return {"encoder": {"embed": {"kernel": kernel, "bias": jnp.zeros(8)}}}

    def losses(self, params: Any, batch: schema.Batch, keys: jax.Array) -> Losses:
        layer = params["encoder"]["embed"]
        image = normalise(batch[schema.IMAGE])
        noise = jax.vmap(jax.random.normal)(keys)
        seen = image.mean(1).reshape(len(image), -1) @ layer["kernel"] + layer["bias"]
        error = jnp.square(seen.mean(-1) - image.mean((1, 2, 3)) - 0.1 * noise)
        if self.poison:
            error = jnp.where((batch[schema.ROW] == -1).any(), jnp.nan, error)
        weight = batch[schema.VALID].astype(jnp.float32)
        return Losses({"line": Term(error, weight)}, {"noise": Term(noise, weight)})

    def predict(self, params: Any, batch: schema.Batch, keys: jax.Array) -> Prediction:
        score = self.losses(params, batch, keys).total["line"].values
        return Prediction(score, None, None, None, {})
