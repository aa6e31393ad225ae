"""The parameters of a trained stage from its checkpoints alone, on whatever devices there are."""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.checkpoints.manager import CheckpointFolder, Content, restore_copy
from jaxfake.checkpoints.metadata import Noted, noted
from jaxfake.checkpoints.step_score import read_score
from jaxfake.config import Config, Stage
from jaxfake.models.method import Method, Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.schema import Batch
from jaxfake.train import optim, rules
from jaxfake.train.state import TrainState, abstract_state, evaluation_params
from jaxfake.train.step import metric_names


class RestoredStage(NamedTuple):
    """A state of a stage, ready to score with."""

    step: int
    params: Params
    noted: Noted  # what it was trained from
    score: float | None  # by which a state of the stage is selected


def restore_stage(
    folder: Path, method: Method, settings: Stage, config: Config, step: int | None
) -> RestoredStage:
    """Restores a stage of a run, which may be in progress elsewhere and is not changed.

    Args:
        folder: of the checkpoints of the stage.
        method: that was trained.
        settings: of the stage.
        config: of the run.
        step: None for the selected state, or the newest where nothing was selected; damaged ones are
            passed over with a line.

    Raises:
        InputError: there is no such checkpoint, or it is damaged or of another model.
    """
    like = _like(method, settings, config)
    checkpoints = CheckpointFolder(folder, config.checkpoints.keep, say, read_only=True)
    try:
        restored = (
            checkpoints.restore_selected(like)
            if step is None
            else checkpoints.restore_step(step, like)
        )
    finally:
        checkpoints.close()
    if restored is None:
        raise InputError(f"{folder} holds no checkpoint yet")
    return _restored(folder / str(restored.step), Content(restored.state, restored.notes))


def restore_single(
    folder: Path, method: Method, settings: Stage, config: Config, step: int | None
) -> RestoredStage:
    """The same of one checkpoint in a folder of any name, apart from those of its stage.

    Raises:
        InputError: it is damaged, of another model or of another step.
    """
    stage = _restored(folder, restore_copy(folder, _like(method, settings, config)))
    if step not in (None, stage.step):
        raise InputError(f"{folder} is the checkpoint of step {stage.step}, not {step}")
    return stage


def _like(method: Method, settings: Stage, config: Config) -> TrainState:
    """The shapes of a state of the stage, on all devices that there are."""
    mesh = rules.make_mesh(1, jax.device_count())
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    names = metric_names(method, params, abstract_batch(config.data.size, settings.batch_size))
    optimiser = optim.make_optimiser(settings, params)
    return abstract_state(method, optimiser, settings.ema, names, mesh)


def _restored(checkpoint: Path, content: Content) -> RestoredStage:
    """The step is what the state says, whatever its folder has been called since."""
    try:
        notes = noted(content.notes)
    except ValueError as error:
        raise InputError(f"checkpoint {checkpoint} is damaged: {error}") from error
    score = read_score(checkpoint, lambda _: None)  # that it is damaged has been said
    return RestoredStage(int(content.state.step), evaluation_params(content.state), notes, score)


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
