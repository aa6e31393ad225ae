"""Where the wall time of a stage goes, over all the tries that it took.

Only updates of the parameters are what is paid for; the rest of the time is a price. Every row of
`metrics.jsonl` has the sums so far, so the last row of a stage is its account. The time in
which no process lived is in none of them.
"""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from jaxfake.checkpoints.checksummed_json import checksummed, read_checksummed
from jaxfake.checkpoints.wall_time import WallTime, current_names
from jaxfake.runtime.multiprocess import is_first

Price = Literal["start", "restore", "compile", "data_wait", "save", "validation"]

_TO_BEGIN: tuple[Price, ...] = ("start", "restore", "compile")

_HEARTBEAT_SECONDS = 1.0


class TimeAccount:
    """The wall time of a stage, kept by the process that trains it.

    Args:
        heartbeat: file that says how far this process got, for the one that may have to follow it.
        since: when this process began with the stage, by `time.monotonic`.
    """

    def __init__(self, heartbeat: Path, since: float) -> None:
        self.heartbeat = heartbeat
        self._since, self._before = since, WallTime()
        self._prices: dict[Price, float] = {"start": time.monotonic() - since}
        self._last_beat = -_HEARTBEAT_SECONDS

    def continue_from(self, before: WallTime) -> None:
        """What earlier tries left, once it is known."""
        self._before = before

    @contextlib.contextmanager
    def booking(self, price: Price) -> Iterator[None]:
        """Time inside is not useful. Do not nest."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._prices[price] = self._prices.get(price, 0.0) + time.monotonic() - began

    def so_far(self) -> WallTime:
        """Of all tries."""
        here = {"useful": self._useful} | {str(name): value for name, value in self._prices.items()}
        before = dataclasses.asdict(self._before)
        return WallTime(**{name: value + here.get(name, 0) for name, value in before.items()})

    @property
    def working(self) -> float:
        """Seconds in which this process trained or waited for data."""
        return self._useful + self.data_wait

    @property
    def data_wait(self) -> float:
        """Seconds in which this process waited for data."""
        return self._prices.get("data_wait", 0.0)

    @property
    def restart(self) -> float:
        """Seconds from the start of this process to its first update."""
        return sum(self._prices.get(price, 0.0) for price in _TO_BEGIN)

    def beat(self) -> None:
        """Writes the heartbeat, once a second."""
        now = time.monotonic()
        if now - self._last_beat < _HEARTBEAT_SECONDS or not is_first():
            return
        self._last_beat = now
        fresh = self.heartbeat.with_suffix(".new")
        with contextlib.suppress(OSError):  # a disk that refuses this refuses a save, which says so
            fresh.write_text(json.dumps(checksummed(dataclasses.asdict(self.so_far()))))
            os.replace(fresh, self.heartbeat)

    @property
    def _useful(self) -> float:
        return time.monotonic() - self._since - sum(self._prices.values())


def after_interruption(saved: WallTime, heartbeat: Path) -> WallTime:
    """What a stage goes on from: all that was spent, with the updates since the save as lost.

    Args:
        saved: with the checkpoint that was restored; nothing for a stage that begins anew.
        heartbeat: of the process before; if it is missing or damaged, what was lost is not known.
    """
    try:
        last = WallTime(**current_names(read_checksummed(heartbeat)))
    except (OSError, ValueError, TypeError, AttributeError):
        last = saved
    spent = {
        name: max(value, getattr(last, name)) for name, value in dataclasses.asdict(saved).items()
    }
    lost = max(last.useful - saved.useful, 0.0)
    spent |= {"useful": saved.useful, "lost": spent["lost"] + lost}
    return WallTime(**spent | {"interruptions": int(spent["interruptions"]) + 1})
