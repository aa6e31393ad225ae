"""The update with optimizer state in the host's memory: one program for the gradient, then one a group.

The moments (and the moving average) come to the device group by group, in the order in which the next
forward pass uses their parameters, and go back when they are updated: AutoHete's priority rule (Zeng et
al., 2503.01890; the rule itself is our reading). The update is always computed on the device, since
optimizers computed on the host were two to three times slower elsewhere. Copies run beside the device's
programs: the next group comes while this one is updated, and the last ones go back under the next
forward pass.

Copies between programs, and none inside of one: nothing is left to the compiler, which may hoist a copy
to where it costs memory.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding

from jaxfake.models.method import Method, Params
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.memory.next_use import groups_by_next_use
from jaxfake.train.memory.placement import on_device
from jaxfake.train.moving_average import averaged
from jaxfake.train.optim import Optimiser
from jaxfake.train.state import TrainState
from jaxfake.train.step import Counters, Outcome, StepRule, choose, gradient_and_outcome

_OF_NO_PARAMETER = -1


class Leaves(NamedTuple):
    """What belongs to some parameters: lists of arrays."""

    params: list[jax.Array]
    moments: list[jax.Array]
    ema: list[jax.Array]  # empty if no moving average is kept


@dataclasses.dataclass(frozen=True)
class Streamed:
    """The update for a state whose optimizer state lies on the host; called like a compiled step.

    Attributes:
        gradient: (params, Counters, batch) -> (gradients, Outcome).
        updates: one function a group: (Leaves, gradients, other optimizer leaves, usable, step) -> the
            first and the third, updated.
        groups: indices of parameters, in next-use order.
        owner: for each leaf of the optimizer state the index of its parameter, or -1.
        overlap: whether a copy may run beside a program; False waits for each, as a naive offloader does.
    """

    gradient: Callable[..., tuple[Params, Outcome]]
    updates: tuple[Callable[..., Any], ...]
    groups: tuple[tuple[int, ...], ...]
    owner: tuple[int, ...]
    overlap: bool = True

    def __call__(self, state: TrainState, batch: Batch) -> TrainState:
        """The state after one more batch; `state` must not be used again."""
        counters = Counters(state.step, state.window, state.failed_step)
        grads, outcome = self.gradient(state.params, counters, batch)
        flat = _Flat.of(state, grads)
        incoming = self._fetch(flat, 0)
        rest = [flat.moments[i] for i in self._mine(_OF_NO_PARAMETER)]
        for number, update in enumerate(self.updates):
            leaves, slopes = incoming
            if number + 1 < len(self.groups):
                incoming = self._fetch(flat, number + 1)
            updated, new_rest = update(leaves, slopes, rest, outcome.usable, state.step)
            del leaves, slopes
            self._store(flat, number, updated)
        for index, leaf in zip(self._mine(_OF_NO_PARAMETER), new_rest, strict=True):
            flat.moments[index] = leaf
        return flat.state(state, outcome)

    def _mine(self, parameter: int) -> list[int]:
        """Which leaves of the optimizer state belong to a parameter."""
        return [index for index, owner in enumerate(self.owner) if owner == parameter]

    def _moments(self, number: int) -> list[int]:
        return [index for parameter in self.groups[number] for index in self._mine(parameter)]

    def _fetch(self, flat: "_Flat", number: int) -> tuple[Leaves, list[jax.Array]]:
        """A group and its gradients on the device; the copies only begin here."""
        of, moments = self.groups[number], self._moments(number)
        grads = [flat.grads.pop(index) for index in of]
        leaves = Leaves(
            _moved([flat.params[index] for index in of], on_device),
            _moved([flat.moments[index] for index in moments], on_device),
            _moved([flat.ema[index] for index in of if flat.ema], on_device),
        )
        return (leaves if self.overlap else jax.block_until_ready(leaves)), grads

    def _store(self, flat: "_Flat", number: int, updated: Leaves) -> None:
        """Puts a group where it came from."""
        of = self.groups[number]
        for target, indices, leaves in (
            (flat.params, of, updated.params),
            (flat.moments, self._moments(number), updated.moments),
            (flat.ema, of if flat.ema else (), updated.ema),
        ):
            for index, leaf in zip(indices, leaves, strict=True):
                target[index] = jax.device_put(leaf, target[index].sharding)
                if not self.overlap:
                    jax.block_until_ready(target[index])


@dataclasses.dataclass
class _Flat:
    """A state as lists of leaves, which are replaced one by one."""

    grads: dict[int, jax.Array]
    params: list[jax.Array]
    moments: list[jax.Array]
    ema: list[jax.Array]

    @classmethod
    def of(cls, state: TrainState, grads: Params) -> "_Flat":
        ema = [] if state.ema is None else jax.tree.leaves(state.ema)
        gradients = dict(enumerate(jax.tree.leaves(grads)))
        return cls(gradients, jax.tree.leaves(state.params), jax.tree.leaves(state.opt_state), ema)

    def state(self, old: TrainState, outcome: Outcome) -> TrainState:
        """The state of these leaves."""
        return old.replace(
            params=jax.tree.unflatten(jax.tree.structure(old.params), self.params),
            opt_state=jax.tree.unflatten(jax.tree.structure(old.opt_state), self.moments),
            ema=None
            if old.ema is None
            else jax.tree.unflatten(jax.tree.structure(old.ema), self.ema),
            **outcome.counters._asdict(),
        )


def _moved(leaves: list[jax.Array], place: Callable[[Any], Any]) -> list[jax.Array]:
    return [jax.device_put(leaf, place(leaf.sharding)) for leaf in leaves]


def streamed_step(
    method: Method, optimiser: Optimiser, rule: StepRule, abstract: TrainState, mesh: Mesh
) -> Streamed:
    """The programs of an update for a state placed as in `abstract`; each is compiled when it is called."""
    owner = owners(optimiser, abstract)
    groups = groups_by_next_use(abstract.params)
    updates = tuple(
        jax.jit(_group_update(optimiser, rule.ema, abstract, owner, group), donate_argnums=0)
        for group in groups
    )
    gradient = gradient_program(method, optimiser, rule, abstract, mesh)
    return Streamed(gradient, updates, groups, owner)


def gradient_program(
    method: Method, optimiser: Optimiser, rule: StepRule, abstract: TrainState, mesh: Mesh
) -> jax.stages.Wrapped:
    """(params, Counters, batch) -> (gradients, Outcome), compiled for a mesh."""
    params = jax.tree.map(lambda leaf: leaf.sharding, abstract.params)
    whole = sharding.replicated(mesh)

    def program(params: Params, counters: Counters, batch: Batch) -> tuple[Params, Outcome]:
        return gradient_and_outcome(method, optimiser, rule, params, counters, batch)

    return jax.jit(
        program,
        in_shardings=(params, whole, NamedSharding(mesh, sharding.BATCH)),
        out_shardings=(jax.tree.map(on_device, params), whole),
    )


def owners(optimiser: Optimiser, abstract: TrainState) -> tuple[int, ...]:
    """For each leaf of the optimizer state the index of its parameter, or -1."""
    count = len(jax.tree.leaves(abstract.params))
    indices = jax.tree.unflatten(jax.tree.structure(abstract.params), range(count))
    labelled = optax.tree_map_params(
        optimiser.transform,
        lambda leaf, index: leaf if isinstance(leaf, optax.MaskedNode) else index,
        abstract.opt_state,
        indices,
        transform_non_params=lambda _: _OF_NO_PARAMETER,
        is_leaf=lambda leaf: isinstance(leaf, optax.MaskedNode),
    )
    return tuple(jax.tree.leaves(labelled))


def _group_update(
    optimiser: Optimiser,
    decay: float,
    abstract: TrainState,
    owner: tuple[int, ...],
    group: tuple[int, ...],
) -> Callable[..., Any]:
    """The update of some parameters; what belongs to the others is zeros, which the compiler drops."""
    moments = [i for parameter in group for i, of in enumerate(owner) if of == parameter]
    others = [i for i, of in enumerate(owner) if of == _OF_NO_PARAMETER]

    def update(
        leaves: Leaves,
        grads: list[jax.Array],
        rest: list[jax.Array],
        usable: jax.Array,
        step: jax.Array,
    ) -> tuple[Leaves, list[jax.Array]]:
        params, state = _updated(
            optimiser,
            _with(abstract.params, group, leaves.params),
            _with(abstract.params, group, grads),
            _with(abstract.opt_state, [*moments, *others], [*leaves.moments, *rest]),
        )
        new = [params[i] for i in group]
        ema: Any = averaged(decay, step, leaves.ema, new) if leaves.ema else []
        after = Leaves(new, [state[i] for i in moments], ema)
        return choose(usable, after, leaves), choose(usable, [state[i] for i in others], rest)

    return update


def _updated(
    optimiser: Optimiser, params: Params, grads: Params, state: optax.OptState
) -> tuple[list[jax.Array], list[jax.Array]]:
    """The leaves of the parameters and of the optimizer state after an update."""
    with jax.numpy_dtype_promotion("standard"):  # as in `step.update`
        changes, after = optimiser.transform.update(grads, state, params)
    return jax.tree.leaves(optax.apply_updates(params, changes)), jax.tree.leaves(after)


def _with(shapes: Any, indices: Any, leaves: list[jax.Array]) -> Any:
    """A tree with these leaves, and zeros for the rest."""
    given = dict(zip(indices, leaves, strict=True))
    abstract, structure = jax.tree.flatten(shapes)
    filled: Iterator[jax.Array] = (
        given[i] if i in given else jnp.zeros(leaf.shape, leaf.dtype)
        for i, leaf in enumerate(abstract)
    )
    return jax.tree.unflatten(structure, list(filled))
