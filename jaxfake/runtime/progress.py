"""Progress that a person can read: a bar on a terminal, a line now and then where it is piped."""

import sys
import time
from typing import Self

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 15.0


_silenced = False


def silence() -> None:
    """From now on this process says nothing: of several that do the same, one speaks."""
    global _silenced
    _silenced = True


def say(message: str) -> None:
    """One line to standard output, above any bar."""
    if _silenced:
        return
    tqdm.write(message, file=sys.stdout)
    sys.stdout.flush()


class Progress:
    """How far a piece of work is, its speed and the time left, on standard error.

    A context manager.

    Args:
        name: what is being done.
        total: number of units.
        unit: what is counted, in the plural.
        done: units done before; they do not count for the speed.
    """

    def __init__(self, name: str, total: int, unit: str, done: int = 0) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._before = self._done = done
        self._start = self._spoken = time.monotonic()
        self._bar = tqdm(
            desc=name,
            total=total,
            initial=done,
            unit=f" {unit}",
            unit_scale=True,
            dynamic_ncols=True,
            disable=_silenced or not sys.stderr.isatty(),
        )

    def advance(self, units: int, remark: str = "") -> None:
        """Counts units; the remark is shown beside them when something is shown."""
        self._done += units
        self._bar.set_postfix_str(remark, refresh=False)
        self._bar.update(units)
        if self._bar.disable and time.monotonic() - self._spoken >= _SECONDS_BETWEEN_LINES:
            self._line(remark)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._bar.disable and self._done > self._before:
            self._line("")

    def _line(self, remark: str) -> None:
        if _silenced:
            return
        self._spoken = time.monotonic()
        speed = (self._done - self._before) / max(self._spoken - self._start, 1e-9)
        left = (self._total - self._done) / max(speed, 1e-9)
        count = f"{self._done}/{self._total} {self._unit}, {speed:.1f}/s, {left:.0f} s left"
        print(
            ", ".join(filter(None, (f"{self._name}: {count}", remark))), file=sys.stderr, flush=True
        )
