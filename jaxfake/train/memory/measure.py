"""What a plan really takes on the device at hand: bytes and seconds, beside what was predicted."""

import dataclasses
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxfake.config import Config, Stage
from jaxfake.models.method import Method
from jaxfake.models.remat import Policy
from jaxfake.train.memory import speed
from jaxfake.train.memory.blocks import Stack, block_gradient
from jaxfake.train.memory.plan import Plan, stacks_of
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.speed import Speed, Timed
from jaxfake.train.memory.subject import analyse_update, noise, on_mesh
from jaxfake.train.update import prepare_update


class Measured(NamedTuple):
    """One plan, run.

    Attributes:
        seconds: of a step, median.
        analysed: bytes that the compiler says it needs; None if that was not asked.
        host_temporary: bytes of it in the host's memory.
        peak: bytes that the device's allocator had given out at most, since the process began; None where
            it does not say.
        loss: sum over the steps, by which results are compared.
    """

    seconds: float
    analysed: int | None
    host_temporary: int | None
    peak: int | None
    loss: float


def measure_speed(method: Method, profile: Profile, faces: int) -> Speed:
    """Of the device at hand, from three short runs of a block of the largest stack, and of its link."""
    mae = stacks_of(method)
    device = jax.devices()[0]
    guess = speed.expected(device, mae.compute.dtype)
    name, stack = max(profile.stacks.items(), key=lambda item: item[1].policies["none"].flops)
    size = mae.decoder if name == "decoder" else mae.encoder
    runs = [
        _timed_block(stack, size, mae.compute, policy, count)
        for policy, count in (("none", faces), ("full", faces), ("none", max(1, faces // 8)))
    ]
    into, out = (guess.to_device, guess.to_host)
    if device.platform != "cpu":
        into, out = speed.link(device)
    return speed.fitted(guess, runs, into, out)


_BLOCKS = 6
"""That are timed in a row."""


def _timed_block(stack: Stack, size: Any, compute: Any, policy: Policy, faces: int) -> Timed:
    program, params, tokens = block_gradient(size, compute, stack.tokens, policy, _BLOCKS, faces)
    block = stack.policies[policy]
    seconds = speed.timed(jax.jit(program), params, tokens) / _BLOCKS
    return Timed(faces * block.flops, faces * block.traffic, seconds)


def measure(
    method: Method,
    settings: Stage,
    config: Config,
    plan: Plan | None,
    steps: int,
    analysed: bool = True,
    overlap: bool = True,
) -> Measured:
    """Runs a plan for some steps, after two to compile and warm up.

    Args:
        plan: None for the step without any.
        analysed: whether to ask the compiler as well, which compiles once more.
        overlap: see `streamed.Streamed`.
    """
    batch = noise(config, settings.batch_size)
    update = prepare_update(method, settings, config, batch, None, plan)
    step: Any = update.step
    if not overlap:
        step = dataclasses.replace(step, overlap=False)
    given = on_mesh(update, batch)
    said = analyse_update(update, given) if analysed else None
    state = update.fresh()
    seconds = []
    for turn in range(steps + 2):
        began = time.perf_counter()
        state = jax.block_until_ready(step(state, given))
        if turn >= 2:
            seconds.append(time.perf_counter() - began)
    stats = jax.devices()[0].memory_stats() or {}
    loss = float(state.window["loss"].total)
    return Measured(
        float(np.median(seconds)),
        None if said is None else said.total,
        None if said is None else said.host,
        stats.get("peak_bytes_in_use"),
        loss,
    )
