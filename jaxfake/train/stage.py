"""A stage of training prepared: plan in, compiled update and data out. No array is made here."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import grain
import jax
import numpy as np

from jaxfake import schema
from jaxfake.checkpoints.metadata import TrainingRecord
from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.config import Config, Stage, config_digest, to_json
from jaxfake.data import pipeline
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.forgeries.chain import Forger, make_forger
from jaxfake.models import rng
from jaxfake.models.method import Method, Params
from jaxfake.runtime.progress import say
from jaxfake.train.memory.choose import update_for
from jaxfake.train.memory.workload import Workload
from jaxfake.train.update import Update, update_parts

TEST = "test"
"""The split that no stage may open, neither to train on nor to choose by."""


SELECTION = "selection/"
"""Begins the names of the scores of a selection among the metrics."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """States are validated now and then; the one with the greatest score is what a stage leaves.

    Attributes:
        name: of the score.
        every: steps between two validations; the last step is validated too.
        score: of a state's parameters.
    """

    name: str
    every: int
    score: Callable[[Params], float]

    def due(self, step: int, ends: tuple[int, ...]) -> bool:
        """Whether to validate the state after `step` updates; `ends` are those of the stage."""
        return step % self.every == 0 or step in ends


@dataclasses.dataclass(frozen=True)
class StageFiles:
    """Where a stage leaves what it makes, see `experiment.run_folder`."""

    checkpoints: Path
    heartbeat: Path
    metrics: Path
    tensorboard: Path


@dataclasses.dataclass(frozen=True)
class StagePlan:
    """One stage of training, as the loop sees it.

    Attributes:
        name: of the stage, as in `checkpoints/NAME`.
        method: what is trained.
        settings: how long, how fast.
        classes: labels that the stage may see.
        train: faces to train on.
        show: faces that are drawn at intervals during training.
        autoencoder: of stage 1, to start from, and what is imported beside it, see `Method.init`; None to
            start from fresh parameters.
        params: that another run of the stage left, to start from instead of `autoencoder`.
        origin: describes what it starts from; two descriptions differ if the parameters do.
        selection: how the state that the stage leaves is chosen; None for the last.
    """

    name: str
    method: Method
    settings: Stage
    classes: tuple[int, ...]
    train: FaceDataset
    show: FaceDataset
    autoencoder: Params | None = None
    origin: str = "fresh"
    selection: Selection | None = None
    params: Params | None = None


class Prepared(NamedTuple):
    """What the loop works with."""

    batches: grain.MapDataset  # element n is this process's part of batch n
    update: Update
    workload: Workload


def prepare(plan: StagePlan, config: Config) -> Prepared:
    """Data, shapes and the jitted update of a stage.

    Raises:
        InputError: the data, the mesh or the batch size do not fit the config.
        ValueError: a test split is among the data.
    """
    for faces in (plan.train, plan.show):
        if faces.split == TEST:
            raise ValueError(f"{plan.name} must not see the test split of {faces.folder}")
    settings = plan.settings
    augmentation = pipeline.Augmentation(settings.crop, settings.photometric)
    batches = pipeline.training_batches(
        plan.train,
        plan.classes,
        settings.batch_size,
        config.seed,
        augmentation,
        _forger(plan, config),
    )
    shapes = jax.eval_shape(lambda: batches[0])
    begin = plan.autoencoder, plan.params
    workload = Workload(
        settings, config, shapes, update_parts(plan.method, settings, config, shapes, *begin)
    )
    return Prepared(batches, update_for(workload), workload)


def training_record(plan: StagePlan, config: Config) -> TrainingRecord:
    """How the stage is trained; saved with every checkpoint."""
    faces = np.isin(plan.train.index.label, plan.classes).sum()
    settings = plan.settings
    return TrainingRecord(
        method=config.method.name if config.method is not None else plan.name,
        steps=settings.steps,
        batch_size=settings.batch_size,
        faces=int(faces),
        jax=jax.__version__,
        devices=f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        config=to_json(config),
    )


def identity(plan: StagePlan, config: Config) -> RunIdentity:
    """What a checkpoint must agree with for the stage to continue from it; saved with it."""
    return RunIdentity(
        config=config_digest(config),
        earlier_configs=config.earlier,
        stage=plan.name,
        start=plan.origin,
        data=plan.train.digest,
        manifest=plan.train.manifest,
        seed=config.seed,
        batch_size=plan.settings.batch_size,
        random_numbers=rng.digest(),
    )


def _forger(plan: StagePlan, config: Config) -> Forger | None:
    """Makes the forgeries of a stage that sees fakes; None if there are none."""
    data = config.data
    if not data.forgeries or schema.FAKE not in plan.classes:
        return None
    forger = make_forger(plan.train, data.forgeries, config.seed, data.guards)
    if left_out := forger.forgeable.left_out:
        name, why = left_out[0]
        say(f"{len(left_out)} real faces are not forged, such as {name}: {why}")
    return forger
