"""Whether a plan that offloads computes the right gradient on this device.

XLA:GPU gave silently wrong gradients for offloaded residuals of a scan in JAX 0.11.0 (openxla/xla 46231,
46308). So each kind of offloading is tried once per device and versions, on a small batch against the plain
step, and the answer is kept in the cache folder. The first moment of a first update is the gradient but for
a factor, so what is compared is what is trained with.
"""

import dataclasses
import functools
import hashlib
import json
from typing import Any

import jax
import numpy as np
import optax

from jaxfake.config import Config, Stage
from jaxfake.models.method import Method
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import cache_folder, write_atomically
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.subject import noise, on_mesh
from jaxfake.train.update import prepare_update

TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
"""Largest norm of a parameter's wrong part, relative to that of its gradient. Our choice: rounding of
recomputed activations is an order of magnitude below, a wrong or missing residual far above."""

_FACES = 4
"""Of a device, for the comparison."""

_SMALL = 1e-3
"""A gradient whose root mean square is this share of all gradients' is compared with theirs instead."""


def check_gradient(method: Method, settings: Stage, config: Config, plan: Plan) -> None:
    """Refuses a plan whose offloading gives another gradient; does nothing for one that offloads nothing.

    Raises:
        InputError: it differs.
    """
    if not plan.offloads:
        return
    wrong = cached_difference(method, settings, config, plan)
    if not wrong <= TOLERANCE[config.model.dtype]:
        raise InputError(
            f"config.memory: '{plan}' is refused: on {jax.devices()[0].device_kind} with JAX "
            f"{jax.__version__} its gradient differs from the plain one by {wrong:.1e}"
        )


def cached_difference(method: Method, settings: Stage, config: Config, plan: Plan) -> float:
    """`difference`, kept for each kind of offloading, device and versions."""
    device = jax.devices()[0]
    policies = sorted(
        {
            segment.policy
            for stack in (plan.encoder, plan.decoder, plan.overall)
            for segment in stack
        }
    )
    kind = (
        device.device_kind,
        device.client.platform_version,
        jax.__version__,
        policies,
        plan.optimizer,
        plan.params,
        min(plan.micro_batches, 2),
        repr(method),
    )
    digest = hashlib.sha256(repr(kind).encode()).hexdigest()[:32]
    path = cache_folder() / "memory" / f"gradient-{digest}.json"
    if path.exists():
        return float(json.loads(path.read_text())["difference"])
    wrong = difference(method, settings, config, plan)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps({"difference": wrong, "of": repr(kind)}))
    return wrong


def difference(method: Method, settings: Stage, config: Config, plan: Plan) -> float:
    """Largest relative difference of a parameter's gradient, 0 for none; inf if one is not finite."""
    small = dataclasses.replace(
        settings, batch_size=_FACES * jax.device_count(), device_batch=0, ema=0.0
    )
    plan = dataclasses.replace(plan, micro_batches=min(plan.micro_batches, 2))
    plain, planned = (
        _first_moments(method, small, config, one)
        for one in (Plan(micro_batches=plan.micro_batches), plan)
    )
    return relative(plain, planned)


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


@functools.lru_cache(maxsize=2)
def _first_moments(method: Method, settings: Stage, config: Config, plan: Plan) -> list[np.ndarray]:
    batch = noise(config, settings.batch_size)
    update = prepare_update(method, settings, config, batch, None, plan)
    state: Any = update.step(update.fresh(), on_mesh(update, batch))
    moments = jax.tree.leaves(optax.tree.get(state.opt_state, "mu"))
    return [np.asarray(leaf, np.float64) for leaf in moments]
