"""The update of a stage made ready: mesh, shapes, and what moves a state on. No array is made here."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
from jax.sharding import Mesh

from jaxfake.config import Config, Stage
from jaxfake.models.method import Method, Params
from jaxfake.schema import Batch
from jaxfake.train import optim, sharding
from jaxfake.train.memory.placement import placed
from jaxfake.train.memory.plan import Plan, with_remat
from jaxfake.train.memory.streamed import Streamed, streamed_step
from jaxfake.train.optim import Optimiser
from jaxfake.train.state import TrainState, abstract_state, fresh_state
from jaxfake.train.step import Step, StepRule, jit_step, metric_names


class Update(NamedTuple):
    """The state of a stage and what moves it on."""

    mesh: Mesh
    abstract: TrainState
    fresh: Callable[[], TrainState]
    step: Step | Streamed
    plan: Plan | None  # of memory; None for none


@dataclasses.dataclass(frozen=True)
class UpdateParts:
    """What an update is made of, whatever the memory plan.

    Attributes:
        abstract: the state, all of it in the devices' memory.
        autoencoder, begin: what the parameters start from, see `state.fresh_state`.
    """

    method: Method
    optimiser: Optimiser
    rule: StepRule
    mesh: Mesh
    abstract: TrainState
    autoencoder: Params | None
    begin: Params | None

    def under(self, plan: Plan | None) -> Update:
        """The update that follows a plan; None for the step with nothing added."""
        method, rule, abstract = self.method, self.rule, self.abstract
        jit: Callable[..., Step | Streamed] = jit_step
        if plan is not None:
            method = with_remat(method, plan.remat)
            rule = rule._replace(accumulate=plan.micro_batches)
            abstract = placed(abstract, plan)
            jit = streamed_step if "host" in (plan.optimizer, plan.params) else jit_step
        plain, begin = self.method, (self.autoencoder, self.begin)
        return Update(
            self.mesh,
            abstract,
            lambda: fresh_state(plain, self.optimiser, rule.ema, rule.seed, abstract, *begin),
            jit(method, self.optimiser, rule, abstract, self.mesh),
            plan,
        )


def update_parts(
    method: Method,
    settings: Stage,
    config: Config,
    batch: Batch,
    autoencoder: Params | None = None,
    begin: Params | None = None,
) -> UpdateParts:
    """Mesh, shapes and optimiser for batches of the keys and dtypes of `batch`."""
    mesh = sharding.make_mesh(config.fsdp, settings.batch_size)
    parts = sharding.micro_batches(settings.batch_size // mesh.size, settings.device_batch)
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    optimiser = optim.make_optimiser(settings, params)
    names = metric_names(method, params, batch)
    abstract = abstract_state(method, optimiser, settings.ema, names, mesh)
    rule = StepRule(config.seed, parts, settings.ema)
    return UpdateParts(method, optimiser, rule, mesh, abstract, autoencoder, begin)
