"""Where the wall time of a stage goes, over all processes that trained it.

Goodput is the share of it that went into updates of the parameters; all other time is overhead. Every row
of `metrics.jsonl` has the sums so far, so the last row of a stage has the totals. The time in which no
process ran is in none of them.
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

Overhead = Literal["start", "restore", "compile", "data_wait", "save", "validation"]

_TO_BEGIN: tuple[Overhead, ...] = ("start", "restore", "compile")

_HEARTBEAT_SECONDS = 1.0


class TimeAccount:
    """The wall time of a stage, kept by the process that trains it.

    Args:
        heartbeat: file that says how far this process got, for the process that may have to replace it.
        since: when this process began with the stage, by `time.monotonic`.
    """

    def __init__(self, heartbeat: Path, since: float) -> None:
        self.heartbeat = heartbeat
        self._since, self._before = since, WallTime()
        self._overheads: dict[Overhead, float] = {"start": time.monotonic() - since}
        self._last_beat = -_HEARTBEAT_SECONDS

    def continue_from(self, before: WallTime) -> None:
        """Adds the time of earlier processes, once it is known."""
        self._before = before

    @contextlib.contextmanager
    def booking(self, overhead: Overhead) -> Iterator[None]:
        """Counts the time inside as overhead. Do not nest."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._overheads[overhead] = (
                self._overheads.get(overhead, 0.0) + time.monotonic() - began
            )

    def so_far(self) -> WallTime:
        """The sums over all processes."""
        here = {"useful": self._useful} | {
            str(name): value for name, value in self._overheads.items()
        }
        before = dataclasses.asdict(self._before)
        return WallTime(**{name: value + here.get(name, 0) for name, value in before.items()})

    @property
    def working(self) -> float:
        """Seconds in which this process trained or waited for data."""
        return self._useful + self.data_wait

    @property
    def data_wait(self) -> float:
        """Seconds in which this process waited for data."""
        return self._overheads.get("data_wait", 0.0)

    @property
    def restart(self) -> float:
        """Seconds from the start of this process to its first update."""
        return sum(self._overheads.get(overhead, 0.0) for overhead in _TO_BEGIN)

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
        return time.monotonic() - self._since - sum(self._overheads.values())


def after_interruption(saved: WallTime, heartbeat: Path) -> WallTime:
    """The sums that a stage continues from: updates since the last save count as lost.

    Args:
        saved: the sums in the restored checkpoint; all 0 for a stage that begins anew.
        heartbeat: file of the process before; if it is missing or damaged, the loss is not known.
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
