"""The update of a stage made ready: mesh, shapes, and what moves a state on. No array is made here."""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jax.sharding import Mesh

from jaxfake.config import Config, Stage
from jaxfake.models.method import Method, Params
from jaxfake.schema import Batch
from jaxfake.train import optim, sharding
from jaxfake.train.memory.offload import placed
from jaxfake.train.memory.plan import Plan, planned
from jaxfake.train.memory.streamed import Streamed, streamed_step
from jaxfake.train.state import TrainState, abstract_state, fresh_state
from jaxfake.train.step import Step, StepRule, jit_step, metric_names


class Update(NamedTuple):
    """The state of a stage and what moves it on."""

    mesh: Mesh
    abstract: TrainState
    fresh: Callable[[], TrainState]
    step: Step | Streamed
    plan: Plan | None = None  # of memory; None for none


def prepare_update(
    method: Method,
    settings: Stage,
    config: Config,
    batch: Batch,
    autoencoder: Params | None = None,
    plan: Plan | None = None,
) -> Update:
    """Mesh, shapes and the jitted update for batches of the keys and dtypes of `batch`.

    Args:
        plan: of memory; None for a step with nothing added.
    """
    mesh = sharding.make_mesh(config.fsdp, settings.batch_size)
    parts = sharding.micro_batches(settings.batch_size // mesh.size, settings.device_batch)
    if plan is not None:
        method, parts = planned(method, plan), plan.micro_batches
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    optimiser = optim.make_optimiser(settings, params)
    names = metric_names(method, params, batch)
    abstract = abstract_state(method, optimiser, settings.ema, names, mesh)
    rule = StepRule(config.seed, parts, settings.ema)
    hosted = plan is not None and "host" in (plan.optimizer, plan.params)
    if plan is not None:
        abstract = placed(abstract, plan)
    make_step = streamed_step if hosted else jit_step
    return Update(
        mesh,
        abstract,
        lambda: fresh_state(method, optimiser, settings.ema, config.seed, abstract, autoencoder),
        make_step(method, optimiser, rule, abstract, mesh),
        plan,
    )
