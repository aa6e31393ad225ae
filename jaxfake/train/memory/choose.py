"""From what a config says of memory to the plan of a stage.

'auto' adds nothing where a step plainly fits. Else the stage is profiled, the best plan is found, and what
the compiler says of that very plan is what counts: if it needs more than was predicted, the next one is
tried. A plan that offloads is checked for its gradient first.
"""

import dataclasses
import os
import re

import jax

from jaxfake.config import Config, Stage
from jaxfake.models.meta_learning import MetaLearned
from jaxfake.models.method import Method, Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.memory import jaxprs, search
from jaxfake.train.memory.blocks import stacks
from jaxfake.train.memory.cards import GIB
from jaxfake.train.memory.gradient_check import check_gradient
from jaxfake.train.memory.measure import cached_speed
from jaxfake.train.memory.offload import check_offload, why_no_offload
from jaxfake.train.memory.plan import Plan, parse_plan
from jaxfake.train.memory.profile import Profile, cached_profile
from jaxfake.train.memory.search import Budget, Chosen
from jaxfake.train.memory.subject import Subject, abstract_batch, subject
from jaxfake.train.update import Update, prepare_update

OFF, AUTO = "off", "auto"

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti)?B?", re.IGNORECASE)
_UNITS = {"": 1, "ki": 2**10, "mi": 2**20, "gi": GIB, "ti": 2**40}

_TRIES = 3
"""Compiled plans before it is said that nothing fits."""


def plan_for(method: Method, settings: Stage, config: Config) -> Plan | None:
    """The plan of a stage on the devices at hand; None for a step with nothing added.

    Raises:
        InputError: nothing fits, or the plan cannot be followed here.
    """
    text = config.memory
    if text == OFF:
        return None
    if text.partition(":")[0] != AUTO:
        return _given(method, settings, config)
    budget = device_budget(text)
    seen = subject(method, settings, config)
    if _plainly_fits(method, settings, config, seen, budget):
        return None
    chosen = verified(seen, budget, config, fewest_micro_batches(settings))
    check_gradient(method, settings, config, chosen.plan)
    say(
        f"memory plan: {chosen.plan}; {chosen.cost.device / GIB:.2f} of "
        f"{budget.device / GIB:.2f} GiB"
    )
    return chosen.plan


def verified(seen: Subject, budget: Budget, config: Config, least: int) -> Chosen:
    """The best plan that the compiler agrees fits; its bytes are the compiler's.

    Raises:
        InputError: nothing fits.
    """
    profile = cached_profile(seen)
    rates = cached_speed(seen, profile, config)
    room = budget
    for _ in range(_TRIES):
        first = search.best(profile, rates, room, least)[0]
        needs = seen.analysed(first.plan).total + _beside(profile, first.plan)
        if needs <= budget.device:
            return Chosen(first.plan, first.cost._replace(device=float(needs)))
        room = room._replace(device=room.device * first.cost.device / needs)
    raise InputError(
        f"no memory plan was found that compiles into {budget.device / GIB:.2f} GiB: "
        f"{needs / GIB:.2f} GiB was the last one's need; a smaller batch_size needs less"
    )


def size_in_bytes(text: str) -> float:
    """Bytes of a size such as '24GiB' or '800MiB'.

    Raises:
        InputError: it is not one.
    """
    matched = _SIZE.fullmatch(text.strip())
    if matched is None or float(matched[1]) == 0:
        raise InputError(f"{text!r} is not a size of memory: write it like 24GiB or 800MiB")
    return float(matched[1]) * _UNITS[(matched[2] or "").lower()]


def device_budget(text: str = AUTO) -> Budget:
    """What the device and the host have, or 'auto:SIZE' says the device has.

    A CPU's memory is the host's.
    """
    device = jax.devices()[0]
    host = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    stats = device.memory_stats() or {}
    given = text.partition(":")[2]
    memory = size_in_bytes(given) if given else float(stats.get("bytes_limit", host))
    return Budget(memory, host, why_no_offload(device) is None)


def fewest_micro_batches(settings: Stage) -> int:
    """As many as `device_batch` asks for."""
    return sharding.micro_batches(settings.batch_size // jax.device_count(), settings.device_batch)


def prepared_update(
    method: Method,
    settings: Stage,
    config: Config,
    batch: Batch,
    autoencoder: Params | None = None,
) -> Update:
    """The update of a stage under the plan that its config asks for."""
    plan = plan_for(method, settings, config)
    return prepare_update(method, settings, config, batch, autoencoder, plan)


def _given(method: Method, settings: Stage, config: Config) -> Plan:
    """The plan that the config spells out."""
    batch = abstract_batch(config, settings.batch_size)
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    depths = {name: stack.depth for name, stack in stacks(method, params, batch).items()}
    plan = parse_plan(config.memory, depths)
    share = settings.batch_size // jax.device_count()
    if share % plan.micro_batches:
        raise InputError(
            f"config.memory: micro_batches={plan.micro_batches} must divide the {share} faces of a device"
        )
    if isinstance(method, MetaLearned) and plan.micro_batches > 1:
        raise InputError(
            "config.memory: micro_batches must be 1 with method.meta.held_out: an inner step is made on a "
            "whole batch"
        )
    least = fewest_micro_batches(settings)
    if plan.micro_batches < least:
        plan = dataclasses.replace(plan, micro_batches=least)
    check_offload(plan, jax.devices()[0])
    check_gradient(method, settings, config, plan)
    return plan


def _plainly_fits(
    method: Method, settings: Stage, config: Config, seen: Subject, budget: Budget
) -> bool:
    """Whether all that a step ever writes would fit at once, which costs no compilation to know."""
    update = prepare_update(method, settings, config, seen.batch)
    traced = update.step.trace(update.abstract, seen.batch)  # type: ignore[union-attr]
    written = jaxprs.traffic(traced.jaxpr.jaxpr) / update.mesh.size
    held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(update.abstract))
    return bool(2 * held + written <= budget.usable)


def _beside(profile: Profile, plan: Plan) -> float:
    """Bytes on the device that the analysis of a gradient's program does not see."""
    return 2.0 * profile.group if plan.optimizer == "host" else 0.0
