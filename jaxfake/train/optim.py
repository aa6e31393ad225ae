"""AdamW as the MAE is trained and finetuned with it (He et al., 2022).

Warm-up and half cosine, once more for each time that a stage was lengthened; no decay on vectors;
layer-wise rates; frozen parameters have no moments and never change. `param_rules` alone decide which
parameter is which.
"""

import re
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from jaxfake.config import Stage
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import param_rules
from jaxfake.train.param_rules import Rate

BETAS = (0.9, 0.95)
REFERENCE_BATCH = 256

_PLACE = re.compile(
    r"(?P<stack>.*?)/(?P<at>blocks|norm|norm_pre|patch_embed|(cls|reg|mask)_token|pos_embed)(/.*)?"
)
"""Where in an encoder a parameter is."""


class Optimiser(NamedTuple):
    """A gradient transformation and the learning rate that it follows."""

    transform: optax.GradientTransformation
    rate: optax.Schedule


def make_optimiser(stage: Stage, params: Any) -> Optimiser:
    """The optimiser of a stage; `params` may be abstract."""
    rate = learning_rate(stage)
    adamw = optax.adamw(
        rate,
        *BETAS,
        weight_decay=stage.weight_decay,
        mask=param_rules.match(param_rules.DECAY, params),
    )
    factors = rate_factors(params, stage.layer_decay)
    moving = optax.chain(adamw, _scale_by(factors))
    kinds = jax.tree.map(lambda factor: "moving" if np.any(factor) else "frozen", factors)
    transform = optax.partition({"moving": moving, "frozen": optax.set_to_zero()}, kinds)
    return Optimiser(transform, rate)


def learning_rate(stage: Stage) -> optax.Schedule:
    """The learning rate by the number of updates made.

    It rises from 0 to its peak and falls to 0 by a half cosine. A stage that was lengthened does so again
    over the steps that were added, a warm restart (Loshchilov and Hutter, 2017): what was trained before
    stays as it was, and the rate is not 0 for the rest.
    """
    begins = (0, *stage.lengthened_at)
    rounds = [
        _rise_and_fall(stage, end - begin) for begin, end in zip(begins, stage.ends, strict=True)
    ]
    return rounds[0] if len(rounds) == 1 else optax.join_schedules(rounds, begins[1:])


def _rise_and_fall(stage: Stage, steps: int) -> optax.Schedule:
    return optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=stage.learning_rate * stage.batch_size / REFERENCE_BATCH,
        warmup_steps=round(stage.warmup * steps),
        decay_steps=steps,
    )


def rate_factors(params: Any, layer_decay: float) -> Any:
    """What the learning rate of each parameter is multiplied by; float32 arrays that broadcast to it.

    In a layered encoder of L blocks, block l (from 0) learns at `layer_decay` ** (L - l), what comes before
    the blocks at ** (L + 1), and what comes after at the full rate (BEiT; Bao et al., 2022).
    """
    rates = param_rules.match(param_rules.RATES, params)
    leaves = jax.tree_util.tree_leaves_with_path(params)
    places = [(_PLACE.fullmatch(path_name(path)), leaf) for path, leaf in leaves]
    depths = {
        place["stack"]: leaf.shape[0] for place, leaf in places if place and place["at"] == "blocks"
    }

    def factor(path: tuple[Any, ...], leaf: Any, rate: Rate) -> np.ndarray:
        place = _PLACE.fullmatch(path_name(path))
        if not rate.layered or place is None:
            return np.asarray(rate.factor, np.float32)
        depth = depths[place["stack"]]
        match place["at"]:
            case "blocks":
                away = np.arange(depth, 0, -1).reshape(-1, *(1,) * (len(leaf.shape) - 1))
            case "norm":
                away = np.asarray(0)
            case _:
                away = np.asarray(depth + 1)
        return np.asarray(rate.factor * layer_decay**away, np.float32)

    return jax.tree_util.tree_map_with_path(factor, params, rates)


def _scale_by(factors: Any) -> optax.GradientTransformation:
    """Multiplies each update by its factor; masked parameters have none."""

    def scale(updates: Any, params: Any = None) -> Any:
        del params
        return jax.tree.map(
            lambda update, factor: update if _absent(update) else update * factor,
            updates,
            factors,
            is_leaf=_absent,
        )

    return optax.stateless(scale)


def _absent(leaf: Any) -> bool:
    return isinstance(leaf, optax.MaskedNode)
