"""The parameters of a trained stage from its checkpoints alone, on whatever devices there are."""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.config import Config, Stage
from jaxfake.errors import InputError
from jaxfake.models.method import Method, Params
from jaxfake.progress import say
from jaxfake.schema import Batch
from jaxfake.train import optim, rules
from jaxfake.train.checkpoint import CheckpointFolder
from jaxfake.train.state import abstract_state, evaluation_params
from jaxfake.train.step import metric_names


class RestoredStage(NamedTuple):
    """A state of a stage, ready to score with."""

    step: int
    params: Params
    notes: dict[str, str | int]  # what it was trained from, see `stage.identity`


def restore_stage(
    workdir: Path, name: str, method: Method, settings: Stage, config: Config, step: int | None
) -> RestoredStage:
    """Restores a stage of a run, which may be in progress elsewhere and is not changed.

    Args:
        workdir: of the run.
        name: of the stage, 'recover' or 'detect'.
        method: that was trained.
        settings: of the stage.
        config: of the run.
        step: None for the selected state, or the newest where nothing was selected.

    Raises:
        InputError: there is no such checkpoint, or it is damaged or of another model.
    """
    folder = workdir / "checkpoints" / name
    if not folder.is_dir():
        raise InputError(f"{workdir} has no checkpoints of the stage {name!r}")
    mesh = rules.make_mesh(1, jax.device_count())
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    names = metric_names(method, params, abstract_batch(config.data.size, settings.batch_size))
    optimiser = optim.make_optimiser(settings, params)
    like = abstract_state(method, optimiser, settings.ema, names, mesh)
    checkpoints = CheckpointFolder(folder, config.checkpoints.keep, say, read_only=True)
    try:
        step = checkpoints.best() if step is None else step
        restored = (
            checkpoints.restore(like) if step is None else checkpoints.restore_step(step, like)
        )
    finally:
        checkpoints.close()
    if restored is None:
        raise InputError(f"{folder} holds no checkpoint yet")
    return RestoredStage(restored.step, evaluation_params(restored.state), restored.notes)


def abstract_batch(size: int, count: int) -> Batch:
    """The shapes of a training batch of `count` faces of `size` pixels."""
    shapes = {
        schema.ROW: ((), jnp.int32),
        schema.IMAGE: ((size, size, 3), jnp.uint8),
        schema.LANDMARKS: ((68, 2), jnp.float32),
        schema.LABEL: ((), jnp.int32),
        schema.FORGERY_MASK: ((size, size), jnp.uint8),
        schema.HAS_MASK: ((), jnp.bool_),
        schema.MASK_SEED: ((), jnp.uint32),
        schema.VIDEO: ((), jnp.uint32),
        schema.MANIPULATION: ((), jnp.uint32),
        schema.VALID: ((), jnp.bool_),
    }
    return {
        name: jax.ShapeDtypeStruct((count, *shape), dtype)
        for name, (shape, dtype) in shapes.items()
    }
