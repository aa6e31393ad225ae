"""Where the wall time of a stage went, as checkpoints and rows of metrics keep it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

WALL_TIME = "wall/"
"""Begins the names of the sums among the metrics."""

INTERRUPTIONS = "interruptions"

_EARLIER_NAMES = {"look": "validation"}
"""Fields that files of an earlier version have under another name."""


@dataclasses.dataclass(frozen=True)
class WallTime:
    """Seconds of a stage so far, over all the processes that it took.

    Attributes:
        useful: updates that are part of the state, and metrics and pictures on the way.
        start: from the start of a process, or the end of the stage before, to this stage; without what is
            made once, toy faces and the probe that a head begins as.
        restore: reading a checkpoint, or making a fresh state.
        compile: the first update of each process, which is mostly its compilation.
        data_wait: the loop waited for a batch.
        save: the loop waited for a save.
        validation: scoring the validation split to choose a state.
        lost: updates that an interruption took back; known to a second.
        interruptions: how often the stage began anew, from a checkpoint or without one.
    """

    useful: float = 0.0
    start: float = 0.0
    restore: float = 0.0
    compile: float = 0.0
    data_wait: float = 0.0
    save: float = 0.0
    validation: float = 0.0
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
        seconds = {f"{WALL_TIME}{name}": value for name, value in self.seconds().items()}
        return {INTERRUPTIONS: self.interruptions, **seconds}


def current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `WallTime` from a file, under the names that they have here."""
    return {_EARLIER_NAMES.get(name, name): value for name, value in values.items()}


def wall_time_of(row: Mapping[str, Any]) -> WallTime | None:
    """The wall time in a row of metrics; None if it has none."""
    sums = {
        name.removeprefix(WALL_TIME): value
        for name, value in row.items()
        if name.startswith(WALL_TIME)
    }
    sums = current_names(sums)
    if INTERRUPTIONS not in row or not WallTime().seconds().keys() <= sums.keys():
        return None
    seconds = {name: float(sums[name]) for name in WallTime().seconds()}
    return WallTime(**seconds, interruptions=int(row[INTERRUPTIONS]))
