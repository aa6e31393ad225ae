"""How fast a device computes and copies: measured where there is one, else from its data sheet.

A block's time is flops / rate + bytes written / bandwidth. Without a measurement the rates are shares of
the data sheet's (our choice, marked as predicted wherever they are shown); they rank plans, and are no
promise of a speed.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxfake.models.remat import Policy
from jaxfake.train.memory.blocks import Block
from jaxfake.train.memory.cards import CARDS, Card

_USED_FLOPS, _USED_BANDWIDTH, _FUSED = 0.5, 0.7, 0.25
"""Shares of the data sheet that are reached, and of the traffic that fusing leaves. Our guess."""

_CPU = Card("a CPU", 0, 2e11, 2e11, 2e10, 1e10)
"""Two cores with AVX-512, about; only ratios matter."""

_LAUNCH, _CPU_LAUNCH = 3e-4, 2e-3
"""Seconds; some sixty kernels of 5 us on a GPU. Our guess."""

_ON_A_GPU: dict[Policy, float] = {"dots": 0.93, "named": 0.86, "full": 0.84, "offload": 0.84}
"""Of blocks that compute again: what they compute is fused, and what they do not keep is not
written. From one run of ViT-B's stage 1 on an H100 (docs/planner.md)."""

_COPIED = 256 * 2**20
"""Bytes of the copy that a link is measured with."""


@dataclasses.dataclass(frozen=True)
class Speed:
    """Of a device.

    Attributes:
        flops: products, a second.
        traffic: bytes that equations write before fusing, a second.
        launch: seconds that a block's two passes cost whatever the number of faces: kernels are launched,
            and a device is not full.
        to_device, to_host: bytes a second over the link.
        factors: by policy, what its blocks really take as a multiple of what their work says.
        measured: whether these are measurements.
    """

    flops: float
    traffic: float
    launch: float
    to_device: float
    to_host: float
    factors: dict[Policy, float]
    measured: bool

    def block(self, policy: Policy, block: Block) -> float:
        """Time of a block's two passes for one face."""
        return self.factors.get(policy, 1.0) * self.seconds(block.flops, block.traffic)

    def seconds(self, flops: float, traffic: float) -> float:
        """Time of so much work."""
        return flops / self.flops + traffic / self.traffic


class Timed(NamedTuple):
    """A short run of one block, forwards and backwards."""

    flops: float
    traffic: float
    seconds: float


def of_card(card: Card, dtype: str) -> Speed:
    """What a data sheet lets one expect."""
    peak = card.flops_bfloat16 if dtype == "bfloat16" else card.flops_float32
    bandwidth = _USED_BANDWIDTH * card.bandwidth / _FUSED
    launch = _CPU_LAUNCH if card is _CPU else _LAUNCH
    factors = {} if card is _CPU else _ON_A_GPU
    links = (card.link, card.link)
    return Speed(_USED_FLOPS * peak, bandwidth, launch, *links, factors, measured=False)


def expected(device: jax.Device, dtype: str) -> Speed:
    """Of a device that is not measured: its card's, if it is a known one."""
    kind = device.device_kind.lower()
    known = [card for card in CARDS if card.words in kind]
    if not known:
        return of_card(_CPU if device.platform == "cpu" else CARDS[-1], dtype)
    return of_card(known[0], dtype)


def fitted(
    guess: Speed, runs: dict[Policy, Timed], few: Timed, to_device: float, to_host: float
) -> Speed:
    """The speed that explains short runs: of a block by policy, and of one of few faces."""
    many = runs["none"]
    share = few.flops / many.flops
    launch = max(0.0, (few.seconds - share * many.seconds) / (1 - share))
    slower = max(many.seconds - launch, 0.1 * many.seconds) / guess.seconds(
        many.flops, many.traffic
    )
    bare = Speed(
        guess.flops / slower, guess.traffic / slower, launch, to_device, to_host, {}, measured=True
    )
    factors = {
        policy: max(run.seconds - launch, 0.1 * run.seconds) / bare.seconds(run.flops, run.traffic)
        for policy, run in runs.items()
    }
    return dataclasses.replace(bare, factors=factors)


def timed(program: Callable[..., Any], *arguments: Any, turns: int = 5) -> float:
    """Median seconds of a compiled program, after one turn to warm up."""
    jax.block_until_ready(program(*arguments))
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        jax.block_until_ready(program(*arguments))
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def link(device: jax.Device) -> tuple[float, float]:
    """Bytes a second to a device and to the host's memory that it copies from by itself."""
    on_device = jax.sharding.SingleDeviceSharding(device)
    on_host = on_device.with_memory_kind("pinned_host")
    block = jax.device_put(np.zeros(_COPIED // 4, np.float32), on_device)
    hosted = jax.block_until_ready(jax.device_put(block, on_host))
    out = timed(lambda: jax.device_put(block, on_host))
    into = timed(lambda: jax.device_put(hosted, on_device))
    return _COPIED / into, _COPIED / out
