"""A stage of training made ready: plan in, compiled step and data out. No array is made here."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import grain
import jax
import numpy as np

from jaxfake.config import Config, Stage, fingerprint, to_json
from jaxfake.data import pipeline
from jaxfake.data.dataset import FaceDataset
from jaxfake.models import rng
from jaxfake.models.method import Method, Params
from jaxfake.train.memory.choose import prepared_update
from jaxfake.train.update import Update

TEST = "test"
"""The split that no stage may open, neither to train on nor to choose by."""


SELECTION = "selection/"
"""Begins the names of the scores of a selection among the metrics."""


class Selection(NamedTuple):
    """A look at unseen faces now and then; the state with the greatest score is what a stage leaves."""

    name: str  # of the score
    every: int  # steps between two looks; the last step is looked at too
    score: Callable[[Params], float]

    def due(self, step: int, steps: int) -> bool:
        """Whether to look at the state after `step` of `steps` updates."""
        return step % self.every == 0 or step == steps


@dataclasses.dataclass(frozen=True)
class StagePlan:
    """One stage of training, as the loop sees it.

    Attributes:
        name: of the stage, as in `checkpoints/NAME`.
        method: what is trained.
        settings: how long, how fast.
        classes: labels that the stage may see.
        train: faces to train on.
        show: faces of which pictures are made on the way.
        autoencoder: of stage 1, to start from; None to start from fresh parameters.
        origin: what `autoencoder` is, in words that differ if it does.
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


class Prepared(NamedTuple):
    """What the loop turns."""

    batches: grain.MapDataset  # element n is this process's part of batch n
    update: Update


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
    views = pipeline.Views(settings.crop, settings.photometric)
    batches = pipeline.training_batches(
        plan.train, plan.classes, settings.batch_size, config.seed, views
    )
    update = prepared_update(plan.method, settings, config, batches[0], plan.autoencoder)
    return Prepared(batches, update)


@dataclasses.dataclass(frozen=True)
class Record:
    """What a checkpoint says of its run, so that it can be used without anything beside it."""

    method: str
    steps: int  # of the whole stage
    batch_size: int
    faces: int  # that the stage trains on; so many drawn are an epoch
    jax: str  # its version
    devices: str
    config: dict[str, Any]


def record(plan: StagePlan, config: Config) -> Record:
    """The record of a stage of a run; saved with every checkpoint."""
    faces = np.isin(plan.train.index.label, plan.classes).sum()
    settings = plan.settings
    name = config.method.name if config.method is not None else plan.name
    return Record(
        method=name,
        steps=settings.steps,
        batch_size=settings.batch_size,
        faces=int(faces),
        jax=jax.__version__,
        devices=f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        config=to_json(config),
    )


def identity(plan: StagePlan, config: Config) -> dict[str, Any]:
    """What a checkpoint must agree with to be gone on from; saved with it."""
    return {
        "stage": plan.name,
        "start": plan.origin,
        "data": plan.train.fingerprint,
        "manifest": plan.train.manifest,
        "seed": config.seed,
        "batch_size": plan.settings.batch_size,
        "random numbers": rng.fingerprint(),
        "config": fingerprint(config),
    }
