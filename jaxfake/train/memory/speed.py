"""How fast a device computes and copies: measured where there is one, else from its data sheet.

A block's time is flops / rate + bytes written / bandwidth. Without a measurement the rates are shares of the
data sheet's (our choice, marked as predicted wherever they are shown); they rank plans, and are no
promise of a speed.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.optimize import nnls

from jaxfake.train.memory.cards import CARDS, Card

_USED_FLOPS, _USED_BANDWIDTH, _FUSED = 0.5, 0.7, 0.25
"""Shares of the data sheet that are reached, and of the traffic that fusing leaves. Our guess."""

_CPU = Card("a CPU", 0, 2e11, 2e11, 2e10, 1e10)
"""Two cores with AVX-512, about; only ratios matter."""

_LAUNCH, _CPU_LAUNCH = 3e-4, 2e-3
"""Seconds; some sixty kernels of 5 us on a GPU. Our guess."""

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
        measured: whether these are measurements.
    """

    flops: float
    traffic: float
    launch: float
    to_device: float
    to_host: float
    measured: bool

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
    return Speed(_USED_FLOPS * peak, bandwidth, launch, card.link, card.link, measured=False)


def expected(device: jax.Device, dtype: str) -> Speed:
    """Of a device that is not measured: its card's, if it is a known one."""
    kind = device.device_kind.lower()
    known = [card for card in CARDS if card.words in kind]
    if not known:
        return of_card(_CPU if device.platform == "cpu" else CARDS[-1], dtype)
    return of_card(known[0], dtype)


def fitted(guess: Speed, runs: list[Timed], to_device: float, to_host: float) -> Speed:
    """The rates that explain short runs best; the guess's ratios where the runs cannot tell them apart."""
    work = np.array([[run.flops, run.traffic, 1.0] for run in runs])
    seconds = np.array([run.seconds for run in runs])
    shares, _ = nnls(work / seconds[:, None], np.ones(len(runs)))
    links = (to_device, to_host)
    if np.all(shares[:2] > 0):
        return Speed(1 / shares[0], 1 / shares[1], float(shares[2]), *links, measured=True)
    largest = max(runs, key=lambda run: run.seconds)
    least = max(0.0, float(shares[2]))
    busy = max(largest.seconds - least, 0.1 * largest.seconds)
    slower = busy / guess.seconds(largest.flops, largest.traffic)
    return Speed(guess.flops / slower, guess.traffic / slower, least, *links, measured=True)


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
