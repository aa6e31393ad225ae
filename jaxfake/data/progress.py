"""How far a long job is: a bar on a terminal, a plain line now and then where it is piped."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """Counts steps, on standard error; a context manager."""

    def __init__(self, what: str, total: int, unit: str, done: int = 0) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._before = self._done = done
        self._start = self._said = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total, initial=done, desc=what, unit=f" {unit}", disable=not self._terminal
        )

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._bar.update()
        now = time.monotonic()
        if not self._terminal and now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            self._say(now)

    def _say(self, now: float) -> None:
        rate = (self._done - self._before) / max(now - self._start, 1e-9)
        left = (self._total - self._done) / max(rate, 1e-9)
        numbers = f"{self._done}/{self._total} {self._unit}, {rate:.1f}/s, {left:.0f} s left"
        print(f"{self._what}: {numbers}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
        if not self._terminal and self._done > self._before:
            self._say(time.monotonic())
