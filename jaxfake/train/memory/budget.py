"""How much memory there is to plan for."""

import os
import re
from typing import NamedTuple

import jax

from jaxfake.runtime.errors import InputError
from jaxfake.train.memory.placement import why_no_offload

HEADROOM = 0.04
"""Share of a budget that is left alone: a prediction may be off, and an allocator splits. Our choice."""

GIB = 2**30

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(Ki|Mi|Gi|Ti)?B?", re.IGNORECASE)
_UNITS = {"": 1, "ki": 2**10, "mi": 2**20, "gi": GIB, "ti": 2**40}


class Budget(NamedTuple):
    """What there is, in bytes."""

    device: float
    host: float
    offload: bool  # whether the device can copy from and to the host's memory

    @property
    def usable(self) -> float:
        """Of the device's memory, without the headroom."""
        return self.device * (1 - HEADROOM)


def device_budget(size: str = "") -> Budget:
    """What a device and the host have here; a CPU's memory is the host's.

    Args:
        size: that the device is to have instead, such as '16GiB'; '' for all that it has.

    Raises:
        InputError: it is not a size.
    """
    device = jax.devices()[0]
    host = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    stats = device.memory_stats() or {}
    memory = size_in_bytes(size) if size else float(stats.get("bytes_limit", host))
    return Budget(memory, host, why_no_offload(device) is None)


def size_in_bytes(text: str) -> float:
    """Bytes of a size such as '24GiB' or '800MiB'.

    Raises:
        InputError: it is not one.
    """
    matched = _SIZE.fullmatch(text.strip())
    if matched is None or float(matched[1]) == 0:
        raise InputError(f"{text!r} is not a size of memory: write it like 24GiB or 800MiB")
    return float(matched[1]) * _UNITS[(matched[2] or "").lower()]
