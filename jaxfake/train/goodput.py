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
from typing import Any, Literal

from jaxfake.checkpoints.checksummed_json import read_sealed, sealed
from jaxfake.runtime.multiprocess import is_first

WALL = "wall/"
"""Begins the names of the sums among the metrics."""

INTERRUPTIONS = "interruptions"

Price = Literal["start", "restore", "compile", "data_wait", "save", "look"]

_TO_BEGIN: tuple[Price, ...] = ("start", "restore", "compile")

_PULSE_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Wall:
    """Seconds of a stage so far.

    Attributes:
        useful: updates that are part of the state, and metrics and pictures on the way.
        start: from the start of a process, or the end of the stage before, to this stage.
        restore: reading a checkpoint, or making a fresh state.
        compile: the first update of each process, which is mostly its compilation.
        data_wait: the loop waited for a batch.
        save: the loop waited for a save.
        look: scoring the validation split to choose a state.
        lost: updates that an interruption took back; known to a second.
        interruptions: how often the stage began anew, from a checkpoint or without one.
    """

    useful: float = 0.0
    start: float = 0.0
    restore: float = 0.0
    compile: float = 0.0
    data_wait: float = 0.0
    save: float = 0.0
    look: float = 0.0
    lost: float = 0.0
    interruptions: int = 0

    @property
    def total(self) -> float:
        """Seconds of everything."""
        return sum(self.seconds().values())

    def seconds(self) -> dict[str, float]:
        """By what they were spent on."""
        spent = dataclasses.asdict(self)
        del spent[INTERRUPTIONS]
        return spent

    def columns(self) -> dict[str, float]:
        """As metrics."""
        seconds = {f"{WALL}{name}": value for name, value in self.seconds().items()}
        return {INTERRUPTIONS: self.interruptions, **seconds}


def wall_of(columns: dict[str, Any]) -> Wall | None:
    """The account in a row of metrics; None if it has none."""
    names = Wall().columns().keys()
    if not names <= columns.keys():
        return None
    seconds = {name: float(columns[f"{WALL}{name}"]) for name in Wall().seconds()}
    return Wall(**seconds, interruptions=int(columns[INTERRUPTIONS]))


class Account:
    """The account of a stage, kept by the process that trains it.

    Args:
        pulse: file that says how far this process got, for the one that may have to follow it.
        since: when this process began with the stage, by `time.monotonic`.
    """

    def __init__(self, pulse: Path, since: float) -> None:
        self.pulse = pulse
        self._since, self._before = since, Wall()
        self._prices: dict[Price, float] = {"start": time.monotonic() - since}
        self._beaten = -_PULSE_SECONDS

    def go_on(self, before: Wall) -> None:
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

    def so_far(self) -> Wall:
        """Of all tries."""
        here = {"useful": self._useful} | {str(name): value for name, value in self._prices.items()}
        before = dataclasses.asdict(self._before)
        return Wall(**{name: value + here.get(name, 0) for name, value in before.items()})

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
        """Writes the pulse, once a second."""
        now = time.monotonic()
        if now - self._beaten < _PULSE_SECONDS or not is_first():
            return
        self._beaten = now
        fresh = self.pulse.with_suffix(".new")
        with contextlib.suppress(OSError):  # a disk that refuses this refuses a save, which says so
            fresh.write_text(json.dumps(sealed(dataclasses.asdict(self.so_far()))))
            os.replace(fresh, self.pulse)

    @property
    def _useful(self) -> float:
        return time.monotonic() - self._since - sum(self._prices.values())


def after_interruption(saved: Wall, pulse: Path) -> Wall:
    """What a stage goes on from: all that was spent, with the updates since the save as lost.

    Args:
        saved: with the checkpoint that was restored; nothing for a stage that begins anew.
        pulse: of the process before; if it is missing or damaged, what was lost is not known.
    """
    try:
        last = Wall(**read_sealed(pulse))
    except (OSError, ValueError, TypeError):
        last = saved
    spent = {
        name: max(value, getattr(last, name)) for name, value in dataclasses.asdict(saved).items()
    }
    lost = max(last.useful - saved.useful, 0.0)
    spent |= {"useful": saved.useful, "lost": spent["lost"] + lost}
    return Wall(**spent | {"interruptions": int(spent["interruptions"]) + 1})
