"""Everything that a run needs to continue as if it had never stopped."""

import jax
import jax.numpy as jnp
import optax
from clu import metrics
from flax import struct
from jax.sharding import Mesh

from jaxfake.models.method import Method, Params
from jaxfake.models.remat import on_device
from jaxfake.train import sharding
from jaxfake.train.optim import Optimiser

NEVER = -1


class TrainState(struct.PyTreeNode):
    """State after `step` updates.

    Attributes:
        step: int32 [], number of updates done, and the number of the next batch.
        params: of the method.
        opt_state: of the optimiser.
        ema: moving average of the parameters, or None.
        window: averages since the last row of metrics.
        failed_step: int32 [], the first step with a non-finite loss or gradient, or NEVER. From then on
            nothing is updated.
    """

    step: jax.Array
    params: Params
    opt_state: optax.OptState
    ema: Params | None
    window: dict[str, metrics.Average]
    failed_step: jax.Array


def evaluation_params(state: TrainState) -> Params:
    """The parameters to score with, on the device: the moving average where one is kept."""
    return on_device(state.params if state.ema is None else state.ema)


def abstract_state(
    method: Method, optimiser: Optimiser, ema: float, names: tuple[str, ...], mesh: Mesh
) -> TrainState:
    """Shapes and shardings of a fresh state, without a single array."""
    shapes = jax.eval_shape(
        lambda: _fresh(optimiser, ema, names, method.init(jax.random.key(0), None))
    )
    placed = _placement(shapes, optimiser, mesh)
    return jax.tree.map(
        lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where),
        shapes,
        placed,
    )


def fresh_state(
    method: Method,
    optimiser: Optimiser,
    ema: float,
    seed: int,
    abstract: TrainState,
    autoencoder: Params | None,
    params: Params | None = None,
) -> TrainState:
    """A new state, made directly in the shardings of `abstract`.

    Args:
        autoencoder: what the parameters start from, see `Method.init`; the optimiser's state is made
            from the result.
        params: all parameters, as another run left them, instead.
    """
    placed = jax.tree.map(lambda leaf: leaf.sharding, abstract)
    names = tuple(abstract.window)

    def make(seed: jax.Array, autoencoder: Params | None, params: Params | None) -> TrainState:
        begin = method.init(jax.random.key(seed), autoencoder) if params is None else params
        return _fresh(optimiser, ema, names, begin)

    return jax.jit(make, out_shardings=placed)(jnp.uint32(seed), autoencoder, params)


def empty_window(names: tuple[str, ...]) -> dict[str, metrics.Average]:
    """Averages over nothing yet."""
    zero = jnp.zeros((), jnp.float32)
    return {name: metrics.Average(total=zero, count=zero) for name in names}


def _fresh(optimiser: Optimiser, ema: float, names: tuple[str, ...], params: Params) -> TrainState:
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimiser.transform.init(params),
        ema=params if ema else None,
        window=empty_window(names),
        failed_step=jnp.full((), NEVER, jnp.int32),
    )


def _placement(state: TrainState, optimiser: Optimiser, mesh: Mesh) -> TrainState:
    """Moments and the moving average are sharded like their parameters; the rest is replicated."""
    params = sharding.shardings(mesh, state.params)
    whole = sharding.replicated(mesh)
    moments = optax.tree_map_params(
        optimiser.transform,
        lambda leaf, where: leaf if isinstance(leaf, optax.MaskedNode) else where,
        state.opt_state,
        params,
        transform_non_params=lambda _: whole,
        is_leaf=lambda leaf: isinstance(leaf, optax.MaskedNode),  # frozen: there are no moments
    )
    everywhere = jax.tree.map(lambda _: whole, state)
    ema = None if state.ema is None else params
    return everywhere.replace(params=params, opt_state=moments, ema=ema)
