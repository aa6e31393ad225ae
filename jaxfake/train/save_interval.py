"""How often to save, from the cost of a save and the time between interruptions.

A save costs the time in which the loop waits for it, and the time by which updates are slower while it is
written. An interruption costs the work since the last save. The interval that loses least is Young's
(1974), refined by Daly (2006).
"""

import math
import statistics
import time
from collections import deque
from typing import NamedTuple

from jaxfake.config import Checkpoints
from jaxfake.runtime.progress import say

_FIRST_SECONDS = 10.0
"""The first save is made after this time, so that its cost becomes known; our choice."""

_REMEMBERED = 5

_EARLY = 3
"""Iterations at the start that say nothing, since the host gets ahead of the device in them."""


class SaveCost(NamedTuple):
    """What one save costs, in seconds."""

    waited: float  # by the loop
    slowed: float  # by which the updates took longer while it was written
    written: float  # from its start until it was on disk

    @property
    def total(self) -> float:
        """Seconds of training that it cost."""
        return self.waited + self.slowed


def best_interval(cost: float, between: float) -> float:
    """Seconds of work between two saves that lose least (Daly, 2006, eq. 37).

    Args:
        cost: of a save, in seconds.
        between: mean seconds between two interruptions.
    """
    if cost >= 2 * between:
        return between
    part = math.sqrt(cost / (2 * between))
    return math.sqrt(2 * cost * between) * (1 + part / 3 + part**2 / 9) - cost


class SaveTimer:
    """Says when the next save is due, from the cost of the saves so far.

    Args:
        rule: the bounds that the config sets.
    """

    def __init__(self, rule: Checkpoints) -> None:
        self._rule = rule
        self._costs: deque[SaveCost] = deque(maxlen=_REMEMBERED)
        self._last = time.monotonic()
        self._waited = 0.0
        self._worked: float | None = None
        self._early, self._free = _EARLY, _Iterations(0, 0.0)
        self._writing: _Iterations | None = None
        self._told = False

    def due(self, worked: float, saving: bool) -> bool:
        """Whether to save now; ask once an iteration.

        Args:
            worked: seconds so far in which the loop did nothing but train.
            saving: whether a save is on its way to the disk.
        """
        turn = 0.0 if self._worked is None else worked - self._worked
        self._worked = worked
        if self._writing is None and self._early:
            self._early -= 1
        elif self._writing is None:
            self._free = self._free.and_one_of(turn)
        elif saving:
            self._writing = self._writing.and_one_of(turn)
        else:
            self._costs.append(self._cost_of(self._writing.and_one_of(turn)))
            self._writing = None
        return self._writing is None and time.monotonic() - self._last >= self.interval()

    def saving(self, waited: float) -> None:
        """A save has begun, after the loop had waited for it for `waited` seconds."""
        self._last, self._waited = time.monotonic() - waited, waited
        self._writing = _Iterations(0, 0.0)

    def restart(self) -> None:
        """A save was made for another reason than time."""
        self._last, self._writing = time.monotonic(), None

    def cost(self) -> SaveCost | None:
        """The median of the last saves; None before the first was written."""
        if not self._costs:
            return None
        return SaveCost(*map(statistics.median, zip(*self._costs, strict=True)))

    def interval(self) -> float:
        """Seconds between two saves: the optimum, but never more at risk than the bound allows."""
        cost, rule = self.cost(), self._rule
        if cost is None:
            return min(_FIRST_SECONDS, rule.at_risk_seconds)
        best = best_interval(cost.total, rule.interrupted_every_seconds)
        return max(min(best, rule.at_risk_seconds - cost.written), cost.written)

    def tell_once(self, restart: float) -> None:
        """Says the interval and what is lost by it, as soon as it is known.

        Args:
            restart: seconds that coming back takes.
        """
        cost, between = self.cost(), self._rule.interrupted_every_seconds
        if cost is None or self._told:
            return
        self._told, every = True, self.interval()
        again = every / 2 + cost.written
        lost = cost.total / every + (again + restart) / between
        say(
            f"a save every {every:.1f} s: it costs {cost.total:.2f} s, of which the loop waits "
            f"{cost.waited:.2f} s, and is on disk after {cost.written:.1f} s. Interrupted every "
            f"{between:.0f} s, the run loses {lost:.2%} of its time: each interruption costs about "
            f"{again:.1f} s of work and {restart:.1f} s of restart, never more work than "
            f"{every + cost.written:.1f} s"
        )

    def _cost_of(self, during: "_Iterations") -> SaveCost:
        normal = self._free.seconds / self._free.number if self._free.number else math.inf
        slowed = max(during.seconds - during.number * normal, 0.0)
        return SaveCost(self._waited, slowed, time.monotonic() - self._last)


class _Iterations(NamedTuple):
    """Iterations of the loop, and how long they took together."""

    number: int
    seconds: float

    def and_one_of(self, seconds: float) -> "_Iterations":
        return _Iterations(self.number + 1, self.seconds + seconds)
