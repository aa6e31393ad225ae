"""A stage of training made ready: plan in, compiled step and data out. No array is made here."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import grain
import jax
from jax.sharding import Mesh

from jaxfake.config import Config, Stage, fingerprint
from jaxfake.data import pipeline
from jaxfake.data.dataset import FaceDataset
from jaxfake.models.method import Method
from jaxfake.schema import Batch
from jaxfake.train import optim, rules
from jaxfake.train.state import TrainState, abstract_state, fresh_state
from jaxfake.train.step import Step, StepRule, jit_step, metric_names


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
    """

    name: str
    method: Method
    settings: Stage
    classes: tuple[int, ...]
    train: FaceDataset
    show: FaceDataset


class Update(NamedTuple):
    """The state of a stage and what moves it on."""

    mesh: Mesh
    abstract: TrainState
    fresh: Callable[[], TrainState]
    step: Step


class Prepared(NamedTuple):
    """What the loop turns."""

    batches: grain.MapDataset  # element n is this process's part of batch n
    update: Update


def prepare(plan: StagePlan, config: Config) -> Prepared:
    """Data, shapes and the jitted update of a stage.

    Raises:
        InputError: the data, the mesh or the batch size do not fit the config.
    """
    settings = plan.settings
    batches = pipeline.training_batches(
        plan.train, plan.classes, settings.batch_size, config.seed, settings.crop
    )
    return Prepared(batches, prepare_update(plan.method, settings, config, batches[0]))


def prepare_update(method: Method, settings: Stage, config: Config, batch: Batch) -> Update:
    """Mesh, shapes and the jitted update for batches of the keys and dtypes of `batch`."""
    mesh = rules.make_mesh(config.fsdp, settings.batch_size // settings.accumulate)
    params = jax.eval_shape(method.init, jax.random.key(0))
    optimiser = optim.make_optimiser(settings, params)
    names = metric_names(method, params, batch)
    abstract = abstract_state(method, optimiser, settings.ema, names, mesh)
    rule = StepRule(config.seed, settings.accumulate, settings.ema)
    return Update(
        mesh,
        abstract,
        lambda: fresh_state(method, optimiser, settings.ema, config.seed, abstract),
        jit_step(method, optimiser, rule, abstract, mesh),
    )


def identity(plan: StagePlan, config: Config) -> dict[str, Any]:
    """What a checkpoint must agree with to be gone on from; saved with it."""
    return {
        "stage": plan.name,
        "data": plan.train.fingerprint,
        "seed": config.seed,
        "batch_size": plan.settings.batch_size,
        "config": fingerprint(config),
    }
