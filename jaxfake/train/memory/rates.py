"""How fast a device computes and copies: from its data sheet, corrected by steps that were timed.

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
from jaxfake.train.memory.budget import GIB
from jaxfake.train.memory.counts import Work
from jaxfake.train.memory.kept import kept
from jaxfake.train.memory.peak import Block
from jaxfake.train.memory.placement import HOST, why_no_offload


class Card(NamedTuple):
    """A device by its data sheet: the vendor's figures, dense, without sparsity.

    The link is what PCI Express of that generation moves in practice, about 0.8 of its nominal rate.
    """

    name: str
    driver_name: str  # in lower case, part of what its driver calls it
    memory: int  # bytes
    flops_float32: float  # a second, as XLA computes float32 by default (TF32 where there is one)
    flops_bfloat16: float  # float16 on a T4, which has no bfloat16
    bandwidth: float  # bytes a second, of its memory
    link: float  # bytes a second, each way


CARDS = (
    Card("T4 16 GB", "t4", 15 * GIB, 8.1e12, 65e12, 320e9, 12e9),
    Card("RTX 4090 24 GB", "4090", 24 * GIB, 83e12, 165e12, 1008e9, 25e9),
    Card("A100 40 GB", "a100", 40 * GIB, 156e12, 312e12, 1555e9, 25e9),
    Card("A100 80 GB", "a100", 80 * GIB, 156e12, 312e12, 2039e9, 25e9),
    Card("H100 80 GB", "h100", 80 * GIB, 495e12, 989e12, 3350e9, 50e9),
    Card("H200 141 GB", "h200", 141 * GIB, 495e12, 989e12, 4800e9, 50e9),
)

_CPU = Card("a CPU", "cpu", 0, 2e11, 2e11, 2e10, 1e10)
"""Two cores with AVX-512, about; only ratios matter."""

_USED_FLOPS, _USED_BANDWIDTH, _FUSED = 0.34, 0.47, 0.25
"""Shares of the data sheet that are reached, so that ViT-B's stage 1 takes as long as it took on an H200
with cuDNN's attention (docs/planner.md); and of the traffic that fusing leaves, which is our guess."""

_LAUNCH, _CPU_LAUNCH = 3e-4, 2e-3
"""Seconds; some sixty kernels of 5 us on a GPU. Our guess."""

_ON_A_GPU: dict[Policy, float] = {"dots": 0.97, "named": 0.89, "full": 0.85, "offload": 0.85}
"""Of blocks that compute again: what they compute is fused, and what they do not keep is not
written. From ViT-B's stage 1 and Mover on an H200 (docs/planner.md)."""

EXPOSED = 0.4
"""Of the time of copies of offloaded activations, what does not overlap with computation: as measured on an
H200 with JAX 0.12, in ViT-B's stage 1 (docs/planner.md)."""

_COPIED = 256 * 2**20
"""Bytes of the copy that a link is measured with."""


@dataclasses.dataclass(frozen=True)
class Rates:
    """Of a device.

    Attributes:
        flops: products, a second.
        traffic: bytes that equations write before fusing, a second.
        launch: seconds that a block's two passes cost whatever the number of faces: kernels are launched,
            and a device is not full.
        to_device, to_host: bytes a second over the link.
        factors: by policy, what its blocks really take as a multiple of what their work says.
    """

    flops: float
    traffic: float
    launch: float
    to_device: float
    to_host: float
    factors: dict[Policy, float]

    def passes(self, policy: Policy, block: Block) -> tuple[float, float]:
        """Seconds of a block's forward and backward pass for one face."""
        whole = self.factors.get(policy, 1.0) * self.seconds(block.forward + block.backward)
        forward = min(whole / 2, self.seconds(block.forward))
        return forward, whole - forward

    def block(self, policy: Policy, block: Block) -> float:
        """Seconds of both passes."""
        return sum(self.passes(policy, block))

    def seconds(self, work: Work) -> float:
        """Seconds of so much work."""
        return work.flops / self.flops + work.traffic / self.traffic


def of_card(card: Card, dtype: str) -> Rates:
    """What a data sheet lets one expect."""
    peak = card.flops_bfloat16 if dtype == "bfloat16" else card.flops_float32
    bandwidth = _USED_BANDWIDTH * card.bandwidth / _FUSED
    launch = _CPU_LAUNCH if card is _CPU else _LAUNCH
    factors = {} if card is _CPU else _ON_A_GPU
    return Rates(_USED_FLOPS * peak, bandwidth, launch, card.link, card.link, factors)


def of_device(device: jax.Device, dtype: str) -> Rates:
    """Of a device at hand: its card's, and its link as it was measured once.

    A GPU that is not in the list counts as the last card, since only ratios decide between plans.
    """
    kind = device.device_kind.lower()
    known = [card for card in CARDS if card.driver_name in kind]
    card = known[0] if known else _CPU if device.platform == "cpu" else CARDS[-1]
    rates = of_card(card, dtype)
    if why_no_offload(device) is not None:
        return rates
    to_device, to_host = kept("link", kind, lambda: link(device))
    return dataclasses.replace(rates, to_device=to_device, to_host=to_host)


def link(device: jax.Device) -> tuple[float, float]:
    """Bytes a second to a device and to the host's memory that it copies from by itself."""
    on_device = jax.sharding.SingleDeviceSharding(device)
    on_host = on_device.with_memory_kind(HOST)
    block = jax.device_put(np.zeros(_COPIED // 4, np.float32), on_device)
    hosted = jax.block_until_ready(jax.device_put(block, on_host))
    out = _median_seconds(lambda: jax.device_put(block, on_host))
    into = _median_seconds(lambda: jax.device_put(hosted, on_device))
    return _COPIED / into, _COPIED / out


def _median_seconds(action: Callable[[], Any], turns: int = 5) -> float:
    jax.block_until_ready(action())
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        jax.block_until_ready(action())
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))
