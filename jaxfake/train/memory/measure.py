"""What a plan really takes on the device at hand: bytes and seconds, beside what was predicted."""

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxfake.config import Config, Stage
from jaxfake.models.method import Method
from jaxfake.models.remat import Policy
from jaxfake.runtime.files import write_atomically
from jaxfake.train.memory import speed
from jaxfake.train.memory.analysis import Analysis, of_compiled
from jaxfake.train.memory.blocks import Stack, block_gradient
from jaxfake.train.memory.plan import Plan, stacks_of
from jaxfake.train.memory.profile import ANCHORED, Profile, Subject, cache_path
from jaxfake.train.memory.speed import Speed, Timed
from jaxfake.train.memory.streamed import Streamed
from jaxfake.train.memory.subject import abstract_batch, main_program, noise, on_mesh
from jaxfake.train.update import Update, prepare_update


class Measured(NamedTuple):
    """One plan, run.

    Attributes:
        seconds: of a step, median.
        analysed: bytes that the compiler says it needs.
        host_temporary: bytes of it in the host's memory.
        peak: bytes that the device's allocator had given out at most, since the process began; None where
            it does not say.
        loss: sum over the steps, by which results are compared.
    """

    seconds: float
    analysed: int
    host_temporary: int
    peak: int | None
    loss: float


class Ready(NamedTuple):
    """A plan, compiled."""

    update: Update
    step: Callable[..., Any]
    analysis: Analysis


def measure_speed(method: Method, profile: Profile, faces: int) -> Speed:
    """Of the device at hand, from short runs of a block of the largest stack, and of its link."""
    mae = stacks_of(method)
    device = jax.devices()[0]
    guess = speed.expected(device, mae.compute.dtype)
    name, stack = max(profile.stacks.items(), key=lambda item: item[1].policies["none"].flops)
    size = mae.decoder if name == "decoder" else mae.encoder
    runs = {policy: _timed_block(stack, size, mae.compute, policy, faces) for policy in ANCHORED}
    few = _timed_block(stack, size, mae.compute, "none", max(1, faces // 8))
    into, out = (guess.to_device, guess.to_host)
    if device.platform != "cpu":
        into, out = speed.link(device)
    found = speed.fitted(guess, runs, few, into, out)
    return dataclasses.replace(found, factors={**found.factors, "offload": found.factors["full"]})


def cached_speed(seen: Subject, profile: Profile, config: Config) -> Speed:
    """`measure_speed` of a GPU or TPU, kept in the cache folder; of a CPU only ratios matter."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return speed.expected(device, config.model.dtype)
    path = cache_path(seen, "speed")
    if path.exists():
        return Speed(**json.loads(path.read_text()))
    measured = measure_speed(seen.method, profile, min(profile.faces, _FACES))
    write_atomically(path, json.dumps(dataclasses.asdict(measured)))
    return measured


_FACES = 64
"""Most that a block is timed with."""

_BLOCKS = 6
"""That are timed in a row."""


def _timed_block(stack: Stack, size: Any, compute: Any, policy: Policy, faces: int) -> Timed:
    program, params, tokens = block_gradient(size, compute, stack.tokens, policy, _BLOCKS, faces)
    block = stack.policies[policy]
    seconds = speed.timed(jax.jit(program), params, tokens) / _BLOCKS
    return Timed(faces * block.flops, faces * block.traffic, seconds)


def ready(
    method: Method, settings: Stage, config: Config, plan: Plan | None, overlap: bool = True
) -> Ready:
    """Compiles a plan as it would be trained with; nothing runs.

    Args:
        plan: None for the step without any.
        overlap: see `streamed.Streamed`.
    """
    batch = abstract_batch(config, settings.batch_size)
    update = prepare_update(method, settings, config, batch, None, plan)
    program, arguments = main_program(update, batch)
    traced = program.trace(*arguments)
    compiled = traced.lower().compile()
    step: Any = compiled
    if isinstance(update.step, Streamed):
        step = dataclasses.replace(update.step, gradient=compiled, overlap=overlap)
    return Ready(update, step, of_compiled(compiled, traced.jaxpr.jaxpr))


def measure(one: Ready, config: Config, faces: int, steps: int) -> Measured:
    """Runs a compiled plan for some steps, after two to warm up."""
    given = on_mesh(one.update, noise(config, faces))
    state = one.update.fresh()
    seconds = []
    for turn in range(steps + 2):
        began = time.perf_counter()
        state = jax.block_until_ready(one.step(state, given))
        if turn >= 2:
            seconds.append(time.perf_counter() - began)
    stats = jax.devices()[0].memory_stats() or {}
    said = one.analysis
    loss = float(state.window["loss"].total)
    median = float(np.median(seconds))
    return Measured(median, said.total, said.host, stats.get("peak_bytes_in_use"), loss)
