"""Progress that a person can read: a bar on a terminal, a line now and then when piped."""

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 15.0


def say(message: str) -> None:
    """One line to standard output, above any bar."""
    tqdm.write(message, file=sys.stdout)
    sys.stdout.flush()


class Progress:
    """How far a piece of work is, its speed and the time left.

    Args:
        name: what is being done.
        total: number of units.
        done: units done before, which do not count for the speed.
        unit: what is counted.
    """

    def __init__(self, name: str, total: int, done: int = 0, unit: str = "face") -> None:
        self._name, self._unit = name, unit
        self._bar = tqdm(
            desc=name,
            total=total,
            initial=done,
            unit=f" {unit}s",
            unit_scale=True,
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )
        self._total, self._first, self._done = total, done, done
        self._start = self._spoken = time.monotonic()

    def advance(self, units: int, note: Callable[[], str] = str) -> None:
        """Counts units; `note` is asked for a remark only when something is shown."""
        self._done += units
        if not self._bar.disable:
            self._bar.set_postfix_str(note(), refresh=False)
            self._bar.update(units)
            return
        now = time.monotonic()
        if now - self._spoken >= _SECONDS_BETWEEN_LINES or self._done >= self._total:
            self._spoken = now
            say(self._line(now, note()))

    def close(self) -> None:
        """Ends the bar and leaves it standing."""
        self._bar.close()

    def _line(self, now: float, note: str) -> str:
        speed = (self._done - self._first) / max(now - self._start, 1e-9)
        left = (self._total - self._done) / max(speed, 1e-9)
        share = 100 * self._done // self._total
        text = f"{self._name} {share:3d}%  {speed:.0f} {self._unit}s/s  {left:.0f} s left"
        return f"{text}  {note}" if note else text
