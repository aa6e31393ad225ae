"""One update, pure: state and batch in, state out. It knows no method, no file and no clock.

It never waits for the host: metrics are summed inside the state, and the step of a non-finite loss is kept
there too, so that the loop can read both later.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from clu import metrics
from jax.sharding import Mesh, NamedSharding

from jaxfake import schema
from jaxfake.models import rng
from jaxfake.models.losses import Term, masked_mean, weighted_sum
from jaxfake.models.method import Losses, Method, Params
from jaxfake.models.remat import on_device
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.moving_average import averaged
from jaxfake.train.optim import Optimiser
from jaxfake.train.state import NEVER, TrainState

Sums = dict[str, metrics.Average]
Step = jax.stages.Wrapped


class StepRule(NamedTuple):
    """What an update depends on besides the method and the optimiser."""

    seed: int
    accumulate: int
    ema: float


class Gradients(NamedTuple):
    """Loss, gradient and metrics of one batch."""

    loss: jax.Array  # float32 []
    params: Params  # the gradient of the loss
    sums: Sums


class Counters(NamedTuple):
    """The small part of a `TrainState`, with the same fields."""

    step: jax.Array
    window: Sums
    failed_step: jax.Array


class Outcome(NamedTuple):
    """What is known of an update before the optimizer makes it."""

    usable: jax.Array  # bool []: finite, and nothing failed before
    counters: Counters  # after the update


def jit_step(
    method: Method, optimiser: Optimiser, rule: StepRule, abstract: TrainState, mesh: Mesh
) -> Step:
    """The update compiled for a mesh; the old state is donated to the new one."""
    placed = jax.tree.map(lambda leaf: leaf.sharding, abstract)

    def step(state: TrainState, batch: Batch) -> TrainState:
        return update(method, optimiser, rule, state, batch)

    return jax.jit(
        step,
        in_shardings=(placed, NamedSharding(mesh, sharding.BATCH)),
        out_shardings=placed,
        donate_argnums=0,
    )


def update(
    method: Method, optimiser: Optimiser, rule: StepRule, state: TrainState, batch: Batch
) -> TrainState:
    """The state after one more batch."""
    found = _gradients_at(method, rule, state.params, state.step, batch)
    with jax.numpy_dtype_promotion("standard"):  # Optax mixes its int32 count with floats
        changes, opt_state = optimiser.transform.update(found.params, state.opt_state, state.params)
    sums, finite = _watched(optimiser, found, state.step)
    usable = finite & (state.failed_step == NEVER)
    params = optax.apply_updates(state.params, changes)
    return state.replace(
        step=state.step + 1,
        params=choose(usable, params, state.params),
        opt_state=choose(usable, opt_state, state.opt_state),
        ema=choose(usable, averaged(rule.ema, state.step, state.ema, params), state.ema),
        window=_merged(state.window, sums),
        failed_step=_first_failed(state, usable),
    )


def gradient_and_outcome(
    method: Method,
    optimiser: Optimiser,
    rule: StepRule,
    params: Params,
    counters: Counters,
    batch: Batch,
) -> tuple[Params, Outcome]:
    """An update up to where the optimizer comes in, for a state that is updated piece by piece."""
    found = _gradients_at(method, rule, params, counters.step, batch)
    sums, finite = _watched(optimiser, found, counters.step)
    usable = finite & (counters.failed_step == NEVER)
    after = Counters(
        step=counters.step + 1,
        window=_merged(counters.window, sums),
        failed_step=_first_failed(counters, usable),
    )
    return found.params, Outcome(usable, after)


def _gradients_at(
    method: Method, rule: StepRule, params: Params, step: jax.Array, batch: Batch
) -> Gradients:
    """Of the batch at a step, with the random keys of that step."""
    root = rng.stream(rule.seed, "losses")
    keys = rng.example_keys(root, step, batch[schema.VALID].shape[0])
    return gradients(method, params, batch, keys, rule.accumulate)


def _watched(optimiser: Optimiser, found: Gradients, step: jax.Array) -> tuple[Sums, jax.Array]:
    """All sums of an update, and whether loss and gradient are finite, bool []."""
    with jax.numpy_dtype_promotion("standard"):  # as above
        rate, norm = jnp.asarray(optimiser.rate(step)), optax.tree.norm(found.params)
    sums = found.sums | {
        "loss": _single(found.loss),
        "gradient_norm": _single(norm),
        "learning_rate": _single(rate),
    }
    return sums, jnp.isfinite(found.loss) & jnp.isfinite(norm)


def _merged(window: Sums, sums: Sums) -> Sums:
    return {name: window[name].merge(average) for name, average in sums.items()}


def _first_failed(before: TrainState | Counters, usable: jax.Array) -> jax.Array:
    failed = before.failed_step
    return jnp.where(usable | (failed != NEVER), failed, before.step)


def metric_names(method: Method, abstract_params: Params, batch: Batch) -> tuple[str, ...]:
    """Names of the metrics of an update, from shapes alone."""

    losses = jax.eval_shape(partial(_first_losses, method), abstract_params, batch)
    return (*_named(losses), "loss", "gradient_norm", "learning_rate")


@partial(jax.jit, static_argnums=0)  # traced once for a method, of which stages and loading ask
def _first_losses(method: Method, params: Params, batch: Batch) -> Losses:
    count = batch[schema.VALID].shape[0]
    keys = rng.example_keys(jax.random.key(0), jnp.zeros((), jnp.int32), count)
    return method.losses(params, batch, keys)


def gradients(
    method: Method, params: Params, batch: Batch, keys: jax.Array, accumulate: int
) -> Gradients:
    """Sum of the method's losses, its gradient, and the sums of all terms.

    With `accumulate` > 1 the batch is cut into that many parts, one after the other. The weights of the
    whole batch are summed first, so the result is that of the uncut batch up to rounding: each term
    is a mean over the batch, not a mean of the parts' means. Those weights depend on the batch
    alone, so the compiler drops the forward pass that computes them. An uncut batch needs no such pass.
    """
    whole = _counts(_named(method.losses(params, batch, keys))) if accumulate > 1 else None

    def objective(params: Params, part: Batch, part_keys: jax.Array) -> tuple[jax.Array, Any]:
        terms = _named(method.losses(params, part, part_keys))
        counts = _counts(terms)
        sums = {name: weighted_sum(term) for name, term in terms.items()}
        means = [
            masked_mean(term, (counts if whole is None else whole)[name])
            for name, term in terms.items()
            if name.startswith("loss/")
        ]
        return jnp.stack(means).sum(), (sums, counts)

    plain = jax.value_and_grad(objective, has_aux=True)

    def gradient(*arguments: Any) -> Any:
        value, grads = plain(*arguments)
        return value, on_device(grads)

    if accumulate == 1:
        (loss, (sums, counts)), grads = gradient(params, batch, keys)
    else:
        (loss, (sums, counts)), grads = _accumulated(gradient, params, batch, keys, accumulate)
    averages = {name: metrics.Average(total=sums[name], count=counts[name]) for name in sums}
    return Gradients(loss, grads, averages)


def _accumulated(
    gradient: Callable[..., Any], params: Params, batch: Batch, keys: jax.Array, parts: int
) -> Any:
    """The sum of what `gradient` returns over `parts` cuts of the batch."""

    def cut(rows: jax.Array) -> jax.Array:
        # Every parts-th row goes to a part, so that each device holds its share of every part.
        return rows.reshape(-1, parts, *rows.shape[1:]).swapaxes(0, 1)

    def one(total: Any, part: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, gradient(params, *part)), None

    pieces = jax.tree.map(cut, (batch, keys))
    first = jax.tree.map(lambda piece: piece[0], pieces)
    zero = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(gradient, params, *first)
    )
    return jax.lax.scan(one, zero, pieces)[0]


def _counts(terms: dict[str, Term]) -> dict[str, jax.Array]:
    """The sum of the weights of each term."""
    return {name: jax.lax.stop_gradient(term.weight.sum()) for name, term in terms.items()}


def _named(losses: Losses) -> dict[str, Term]:
    """Losses as 'loss/NAME' and what is only watched as 'NAME'."""
    return {f"loss/{name}": term for name, term in losses.total.items()} | losses.metrics


def _single(value: jax.Array) -> metrics.Average:
    return metrics.Average(total=value, count=jnp.ones((), jnp.float32))


def choose(condition: jax.Array, new: Any, old: Any) -> Any:
    """The one tree or the other, of the same structure, by bool []."""
    return jax.tree.map(lambda n, o: jnp.where(condition, n, o), new, old)
