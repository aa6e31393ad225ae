"""AdamW as the MAE is trained with it (He et al., 2022): warm-up, half cosine, no decay on vectors."""

from typing import Any, NamedTuple

import optax

from jaxfake.config import Stage
from jaxfake.train import rules

BETAS = (0.9, 0.95)
REFERENCE_BATCH = 256


class Optimiser(NamedTuple):
    """A gradient transformation and the learning rate that it follows."""

    transform: optax.GradientTransformation
    rate: optax.Schedule


def make_optimiser(stage: Stage, params: Any) -> Optimiser:
    """The optimiser of a stage; `params` may be abstract."""
    rate = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=stage.learning_rate * stage.batch_size / REFERENCE_BATCH,
        warmup_steps=round(stage.warmup * stage.steps),
        decay_steps=stage.steps,
    )
    transform = optax.adamw(
        rate,
        *BETAS,
        weight_decay=stage.weight_decay,
        mask=rules.match(rules.DECAY, params),
    )
    return Optimiser(transform, rate)
