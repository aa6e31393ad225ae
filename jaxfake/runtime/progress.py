"""Progress that a person can read: a bar on a terminal, a line every few seconds where it is piped."""

import sys
import time
from typing import Self

from tqdm import tqdm

from jaxfake.runtime.terminal_text import printable, printable_line

_SECONDS_BETWEEN_LINES = 15.0


_silenced = False


def silence() -> None:
    """From now on this process prints nothing: of several that do the same work, only one prints."""
    global _silenced
    _silenced = True


def say(message: str) -> None:
    """Prints a message to standard output, above the progress bar if there is one."""
    if _silenced:
        return
    tqdm.write(printable(message), file=sys.stdout)
    sys.stdout.flush()


class Progress:
    """Shows on standard error how much is done, the speed and the time left. A context manager.

    Args:
        name: of the work.
        total: number of units.
        unit: what is counted, in the plural.
        done: units that were done before; they do not count for the speed.
        brief: leaves nothing behind if it takes less than some seconds.
    """

    def __init__(
        self, name: str, total: int, unit: str, done: int = 0, brief: bool = False
    ) -> None:
        self._name, self._total, self._unit, self._brief = name, total, unit, brief
        self._before = self._done = done
        self._start = self._printed = time.monotonic()
        self._bar = tqdm(
            desc=name,
            total=total,
            initial=done,
            unit=f" {unit}",
            unit_scale=True,
            dynamic_ncols=True,
            leave=not brief,
            disable=_silenced or not sys.stderr.isatty(),
        )

    def advance(self, units: int, remark: str = "") -> None:
        """Adds to the units done; the remark is shown beside the count."""
        self._done += units
        self._bar.set_postfix_str(printable_line(remark), refresh=False)
        self._bar.update(units)
        if self._bar.disable and time.monotonic() - self._printed >= _SECONDS_BETWEEN_LINES:
            self._print_line(remark)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        shown = self._printed > self._start or not self._brief
        if self._bar.disable and self._done > self._before and shown:
            self._print_line("")

    def _print_line(self, remark: str) -> None:
        if _silenced:
            return
        self._printed = time.monotonic()
        speed = (self._done - self._before) / max(self._printed - self._start, 1e-9)
        left = (self._total - self._done) / max(speed, 1e-9)
        count = f"{self._done}/{self._total} {self._unit}, {speed:.1f}/s, {left:.0f} s left"
        print(
            printable_line(", ".join(filter(None, (f"{self._name}: {count}", remark)))),
            file=sys.stderr,
            flush=True,
        )
