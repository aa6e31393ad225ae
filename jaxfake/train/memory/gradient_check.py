"""Whether a plan that offloads computes the right gradient on this device.

XLA:GPU gave silently wrong gradients for offloaded residuals of a scan in JAX 0.11.0 (openxla/xla 46231,
46308). So each kind of offloading is tried once per device and versions, on a small batch against the plain
step, and the answer is kept in the cache folder. The first moment of a first update is the gradient but for
a factor, so what is compared is what is trained with.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
import optax

from jaxfake.runtime.errors import InputError
from jaxfake.train.memory.kept import kept
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.workload import Workload, compile_step, noise

TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
"""Largest norm of a parameter's wrong part, relative to that of its gradient. Our choice: rounding of
recomputed activations is an order of magnitude below, a wrong or missing residual far above."""

_FACES = 4
"""Of a device, for the comparison."""

_SMALL = 1e-2
"""A gradient whose root mean square is this share of all gradients' is compared with theirs instead."""


def check_gradient(workload: Workload, plan: Plan) -> None:
    """Refuses a plan whose offloading gives another gradient; does nothing for one that offloads nothing.

    Raises:
        InputError: it differs.
    """
    if not plan.offloads:
        return
    wrong = known_difference(workload, plan)
    if not wrong <= TOLERANCE[workload.config.model.dtype]:
        raise InputError(
            f"config.memory: '{plan}' is refused: on {jax.devices()[0].device_kind} with JAX "
            f"{jax.__version__} its gradient differs from the plain one by {wrong:.1e}"
        )


def known_difference(workload: Workload, plan: Plan) -> float:
    """`difference`, kept for each kind of offloading."""
    kind = (sorted(plan.policies), plan.optimizer, plan.params, min(plan.micro_batches, 2))
    key = f"{kind} {workload.smaller(_FACES).key}"
    return float(kept("gradient", key, lambda: difference(workload, plan)))


def difference(workload: Workload, plan: Plan) -> float:
    """Largest relative difference of a parameter's gradient, 0 for none; inf if one is not finite."""
    small = workload.smaller(_FACES)
    plan = dataclasses.replace(plan, micro_batches=min(plan.micro_batches, 2))
    plans = Plan(micro_batches=plan.micro_batches), plan
    with ThreadPoolExecutor(len(plans)) as pool:  # a compiler does not hold Python's lock
        list(pool.map(lambda one: compile_step(small, one, quick=True), plans))
    return relative(*(first_moments(small, one) for one in plans))


def relative(right: list[np.ndarray], other: list[np.ndarray]) -> float:
    """Largest norm of a difference, relative to the norm of what is right."""
    size = sum(leaf.size for leaf in right)
    typical = float(np.sqrt(sum(np.square(leaf).sum() for leaf in right) / size))
    worst = 0.0
    for one, two in zip(right, other, strict=True):
        if not np.isfinite(two).all():
            return float("inf")
        scale = max(float(np.linalg.norm(one)), _SMALL * typical * one.size**0.5)
        worst = max(worst, float(np.linalg.norm(two - one)) / scale)
    return worst


def first_moments(workload: Workload, plan: Plan | None) -> list[np.ndarray]:
    """Of the optimizer after one update: the gradient but for a factor."""
    step = compile_step(workload, plan, quick=True)
    return moments_of(step.run(step.update.fresh(), noise(workload)))


def moments_of(state: Any) -> list[np.ndarray]:
    """The first moments of a state."""
    leaves = jax.tree.leaves(optax.tree.get(state.opt_state, "mu"))
    return [np.asarray(jax.device_get(leaf), np.float64) for leaf in leaves]
