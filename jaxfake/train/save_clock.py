"""When to save."""

import time


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
