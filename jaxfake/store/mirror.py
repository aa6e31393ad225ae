"""A thread that keeps the store up to date while training goes on and never waits for it."""

import threading
import time
from typing import NamedTuple

from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import say
from jaxfake.store.push import Lacking, Push
from jaxfake.store.remote import Remote


class Pace(NamedTuple):
    """Seconds; our choices."""

    look: float = 3.0  # between two looks at the folder
    records: float = 60.0  # between two uploads of what changes all the time, metrics above all
    first_pause: float = 5.0  # after a failure; it doubles
    longest_pause: float = 60.0
    start: float = 60.0  # that a store is tried for by a run that has nothing else
    silence: float = 60.0  # of a call that moves nothing, after which it has failed
    patience: float = 240.0  # at the end, without any progress; a piece on a slow line takes 190
    reserve: float = 5.0  # of the grace, to leave in


PACE = Pace()


class Mirror:
    """Uploads what is new in a run's folder, from `start` on.

    Nothing it meets reaches the training. The user is told when the store fails and when it works
    again, once each.

    Args:
        push: what is uploaded, and where to.
        remote: the same store.
        trouble: why the store failed, if the user was told before that it does.
        pace: how often.
    """

    def __init__(self, push: Push, remote: Remote, trouble: str | None, pace: Pace) -> None:
        self._push, self._remote, self._pace = push, remote, pace
        self._trouble = trouble
        self._wake, self._closed = threading.Event(), threading.Event()
        self._hurry = False
        self._pause = pace.first_pause
        self._records_at = 0.0
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def finish(self, newest_only: bool, patience: float) -> Lacking:
        """Waits until all is there, for as long as it makes progress and the grace allows.

        Args:
            newest_only: older checkpoints are not waited for.
            patience: seconds without progress after which it is given up.

        Returns:
            What is not there.
        """
        self._hurry = True
        self._remote.silence = min(self._remote.silence, patience / 8)
        self._wake.set()
        moved, since = self._remote.moved, time.monotonic()
        reserve: float | None = None
        while lacking := self._wanted(newest_only):
            if self._remote.moved != moved:
                moved, since = self._remote.moved, time.monotonic()
            if (left := preemption.seconds_left) is not None:
                reserve = reserve or min(self._pace.reserve, left / 4)
                if left <= reserve:
                    break
            if time.monotonic() - since > patience:
                break
            time.sleep(0.05)
        return lacking

    def close(self) -> None:
        """Looks no more; does not wait for what hangs."""
        self._closed.set()
        self._wake.set()
        self._thread.join(1.0)

    def words(self, lacking: Lacking) -> str:
        """Where the newest is, for the user."""
        here = [f"step {step.number} of {step.stage}" for step in lacking.newest]
        if lacking.older:
            here.append(f"{len(lacking.older)} older checkpoints")
        if lacking.records and not lacking.newest:
            here.append(f"{len(lacking.records)} files")
        return (
            f"only the disk of this machine has {' and '.join(here)}; {self._remote.url} has "
            f"{self._there()} ({self._trouble or 'the time was too short'})"
        )

    def _wanted(self, newest_only: bool) -> Lacking:
        lacking = self._push.lacking()
        return lacking._replace(older=[]) if newest_only else lacking

    def _there(self) -> str:
        found = [f"step {number} of {stage}" for stage, number in self._push.there().items()]
        return " and ".join(found) or "no checkpoint"

    def _run(self) -> None:
        while not self._closed.is_set():
            pause = self._look()
            self._wake.wait(pause)
            self._wake.clear()

    def _look(self) -> float:
        """One look; the seconds to wait afterwards."""
        now = time.monotonic()
        records = self._hurry or now - self._records_at >= self._pace.records
        try:
            self._push.catch_up(records)
        except Exception as error:  # of the store, of this disk: training must not feel it
            return self._failed(" ".join(str(error).split()) or type(error).__name__)
        if records:
            self._records_at = now
        if self._trouble is not None and not self._closed.is_set():
            say(f"{self._remote.url} works again: it has {self._there()}")
        self._trouble, self._pause = None, self._pace.first_pause
        return self._pace.first_pause / 10 if self._hurry else self._pace.look

    def _failed(self, reason: str) -> float:
        if self._trouble is None and not self._closed.is_set():
            say(
                f"{self._remote.url} fails ({reason}): training goes on, all is saved on this disk; "
                "the store is tried again and again"
            )
        self._trouble = reason
        pause, longest = self._pause, self._pace.longest_pause
        self._pause = min(2 * pause, longest)
        return min(pause, self._pace.first_pause) if self._hurry else pause
