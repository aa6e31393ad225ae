"""A trained stage, restored to score with, from whatever there is of its run, on any devices."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp

from jaxfake.checkpoints.manager import CheckpointFolder, Restored, restore_copy
from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.checkpoints.validation_score import read_score
from jaxfake.config import Config, Stage
from jaxfake.experiment import build_method
from jaxfake.experiment.locate_run import LocatedRun, locate
from jaxfake.experiment.run_config import run_identity
from jaxfake.experiment.run_folder import DETECT
from jaxfake.models.method import Method, Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import optim, sharding
from jaxfake.train.abstract_batch import abstract_batch
from jaxfake.train.compile_cache import keep_compiled_programs
from jaxfake.train.loop import Trained
from jaxfake.train.state import TrainState, abstract_state, evaluation_params
from jaxfake.train.step import metric_names


@dataclasses.dataclass(frozen=True)
class LoadedRun:
    """A trained stage, ready to score with: the detector, or stage 1 where there is none.

    Attributes:
        config: of the run, as it can be computed here.
        stage: 'recover' or 'detect'.
        method: that was trained.
        params: to score with.
        step: of the state.
        metadata: what its checkpoint says of it.
        validation_score: by which a state of the stage is selected; None if it has none.
        located: where it was found; None if this process has just trained it.
    """

    config: Config
    stage: str
    method: Method
    params: Params
    step: int
    metadata: CheckpointMetadata
    validation_score: float | None = None
    located: LocatedRun | None = None

    @property
    def settings(self) -> Stage:
        """How the stage was trained."""
        return build_method.stage_settings(self.config, self.stage)

    @property
    def title(self) -> str:
        """What was trained, for people: the method of a detector, or the stage."""
        method = self.config.method
        return method.name if self.stage == DETECT and method is not None else self.stage


def from_training(config: Config, stage: str, method: Method, trained: Trained) -> LoadedRun:
    """A stage that this process has just trained, or found finished."""
    return LoadedRun(config, stage, method, trained.params, trained.step, trained.metadata)


def load_run(path: Path, step: int | None) -> LoadedRun:
    """Restores a trained detector, or stage 1 where there is none.

    Args:
        path: of a run, or of what is left of it, see `locate_run`.
        step: None for the selected state.

    Raises:
        InputError: there is no such run, stage or checkpoint.
    """
    located = locate(path, step)
    keep_compiled_programs()
    config = build_method.computable_here(located.config)
    return load_stage(located, config, build_method.stage_method(config, located.stage), step)


def load_stage(located: LocatedRun, config: Config, method: Method, step: int | None) -> LoadedRun:
    """The state of one step; None for the selected one, or the newest where nothing was selected.

    The run may be in progress elsewhere, and is not changed. Damaged checkpoints are passed over with a
    line. The step is what the state says, whatever its folder has been called since.

    Raises:
        InputError: there is no such checkpoint, or it is damaged, not finite or of another run.
    """
    restored = (_restore_single if located.single else _restore)(located, method, step)
    state, metadata = restored.state, restored.metadata
    ours = dataclasses.replace(run_identity(located.config), stage=located.stage)
    if ours.difference(metadata.identity) is not None:
        raise InputError(
            f"{located.checkpoints} holds checkpoints of several runs: name one of them with --step, or "
            "its own folder"
        )
    step, params = int(state.step), evaluation_params(state)
    folder = located.checkpoints if located.single else located.checkpoints / str(step)
    _refuse_not_finite(params, folder)
    score = read_score(folder, lambda _: None)  # that it is damaged has been said
    return LoadedRun(config, located.stage, method, params, step, metadata, score, located)


def _restore(located: LocatedRun, method: Method, step: int | None) -> Restored:
    like = _abstract_state(method, located.settings, located.config)
    folder, keep = located.checkpoints, located.config.checkpoints.keep
    checkpoints = CheckpointFolder(folder, keep, say, read_only=True)
    try:
        if step is not None:
            return checkpoints.restore_step(step, like)
        restored = checkpoints.restore_selected(like)
    finally:
        checkpoints.close()
    if restored is None:
        raise InputError(f"{folder} holds no checkpoint yet")
    return restored


def _restore_single(located: LocatedRun, method: Method, step: int | None) -> Restored:
    """One checkpoint in a folder of any name, apart from those of its stage."""
    like = _abstract_state(method, located.settings, located.config)
    restored = restore_copy(located.checkpoints, like)
    if step not in (None, int(restored.state.step)):
        raise InputError(
            f"{located.checkpoints} is the checkpoint of step {int(restored.state.step)}, not {step}"
        )
    return restored


def _refuse_not_finite(params: Params, checkpoint: Path) -> None:
    """Whoever saved such parameters saved the right digest of them too."""
    finite = jax.device_get(_all_finite(params))
    for path, good in jax.tree_util.tree_leaves_with_path(finite):
        if not good:
            raise InputError(
                f"checkpoint {checkpoint}: the parameter {path_name(path)} is not finite: choose another "
                "step with --step"
            )


@jax.jit
def _all_finite(params: Params) -> Params:
    return jax.tree.map(lambda leaf: jnp.isfinite(leaf).all(), params)


def _abstract_state(method: Method, settings: Stage, config: Config) -> TrainState:
    """The shapes of a state of the stage, on all devices that there are."""
    mesh = sharding.make_mesh(1, jax.device_count())
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    names = metric_names(method, params, abstract_batch(config.data.size, settings.batch_size))
    optimiser = optim.make_optimiser(settings, params)
    return abstract_state(method, optimiser, settings.ema, names, mesh)
