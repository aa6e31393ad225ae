"""A machine that may vanish: noticing that it is asked back, and when to save."""

import os
import signal
import time
from types import FrameType

from jaxfake.errors import PREEMPTED

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """Notes the first SIGTERM or SIGINT; a second one ends the process at once.

    Used as a context manager; `requested` is read between steps.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.requested:
            os._exit(PREEMPTED)
        self.requested = True


class SaveClock:
    """Says when the next save is due, in seconds of wall time."""

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """True once every interval."""
        now = time.monotonic()
        if now - self._last < self._every:
            return False
        self._last = now
        return True
