"""A thread that keeps the store up to date while training goes on and never waits for it."""

import dataclasses
import threading
import time

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import say
from jaxfake.store.object_store import ObjectStore
from jaxfake.store.upload_queue import Pending, UploadQueue


@dataclasses.dataclass(frozen=True)
class Timing:
    """Times in seconds; our choices."""

    poll: float = 3.0  # between two checks of the folder
    files: float = (
        60.0  # between two uploads of files that change all the time, such as the metrics
    )
    first_pause: float = 5.0  # after a failure; doubled after each further one
    longest_pause: float = 60.0
    connect: float = 60.0  # that a run without local checkpoints tries to reach the store
    stall: float = 60.0  # without any progress, after which a request has failed
    patience: float = 240.0  # at the end, without any progress; a piece takes 190 on a slow line
    reserve: float = 5.0  # of the grace period, kept for the exit itself


DEFAULT_TIMING = Timing()


class Mirror:
    """Uploads what is new in a run's folder, from `start` on.

    No error of it reaches the training. The user is told once when the store fails and once when it works
    again. A store that another run or another machine has taken gets nothing more: `refused` says so.

    Args:
        queue: uploads the files.
        store: the store of the queue.
        failure: why the store failed, if the user has been told so already.
        timing: when to upload, and how long to wait.
    """

    def __init__(
        self, queue: UploadQueue, store: ObjectStore, failure: str | None, timing: Timing
    ) -> None:
        self._queue, self._store, self._timing = queue, store, timing
        self._failure = failure
        self._wake, self._closed = threading.Event(), threading.Event()
        self._finishing = False
        self.refused: str | None = None  # why nothing more may be uploaded
        self._pause = timing.first_pause
        self._files_uploaded_at = 0.0
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def finish(self, newest_only: bool, patience: float) -> Pending:
        """Waits until all is uploaded, as long as it makes progress and the grace period allows.

        Args:
            newest_only: older checkpoints are not waited for.
            patience: seconds without progress after which it gives up.

        Returns:
            What was not uploaded.
        """
        self._finishing = True
        self._store.stall_seconds = min(self._store.stall_seconds, patience / 8)
        self._wake.set()
        transfers, since = self._store.transfers, time.monotonic()
        reserve: float | None = None
        while (pending := self._pending(newest_only)) and self.refused is None:
            if self._store.transfers != transfers:
                transfers, since = self._store.transfers, time.monotonic()
            if (left := preemption.seconds_left) is not None:
                reserve = reserve or min(self._timing.reserve, left / 4)
                if left <= reserve:
                    break
            if time.monotonic() - since > patience:
                break
            time.sleep(0.05)
        return pending

    def close(self) -> None:
        """Stops the thread; does not wait for a request that hangs."""
        self._closed.set()
        self._wake.set()
        self._thread.join(1.0)

    def describe(self, pending: Pending) -> str:
        """Says which checkpoints only this machine has, for the user."""
        here = [f"step {step.number} of {step.stage}" for step in pending.newest]
        if pending.older:
            here.append(f"{len(pending.older)} older checkpoints")
        if pending.files and not pending.newest:
            here.append(f"{len(pending.files)} files")
        return (
            f"only the disk of this machine has {' and '.join(here)}; {self._store.url} has "
            f"{self._uploaded_in_words()} ({self.refused or self._failure or 'the time was too short'})"
        )

    def _pending(self, newest_only: bool) -> Pending:
        pending = self._queue.pending()
        return dataclasses.replace(pending, older=[]) if newest_only else pending

    def _uploaded_in_words(self) -> str:
        found = [
            f"step {number} of {stage}" for stage, number in self._queue.uploaded_steps().items()
        ]
        return " and ".join(found) or "no checkpoint"

    def _run(self) -> None:
        while not self._closed.is_set() and self.refused is None:
            pause = self._upload_once()
            self._wake.wait(pause)
            self._wake.clear()

    def _upload_once(self) -> float:
        """Uploads what is new; returns the seconds to wait afterwards."""
        now = time.monotonic()
        include_files = self._finishing or now - self._files_uploaded_at >= self._timing.files
        try:
            self._queue.upload_new(include_files)
        except InputError as error:  # another run or another machine has the place
            self.refused = str(error)
            say(f"{self.refused}. Training goes on, all is saved on this disk")
            return 0.0
        except Exception as error:  # of the store or this disk: training must go on
            return self._note_failure(" ".join(str(error).split()) or type(error).__name__)
        if include_files:
            self._files_uploaded_at = now
        if self._failure is not None and not self._closed.is_set():
            say(f"{self._store.url} works again: it has {self._uploaded_in_words()}")
        self._failure, self._pause = None, self._timing.first_pause
        return self._timing.first_pause / 10 if self._finishing else self._timing.poll

    def _note_failure(self, reason: str) -> float:
        if self._failure is None and not self._closed.is_set():
            say(
                f"{self._store.url} fails ({reason}): training goes on, all is saved on this disk; "
                "the store is tried again and again"
            )
        self._failure = reason
        pause, longest = self._pause, self._timing.longest_pause
        self._pause = min(2 * pause, longest)
        return min(pause, self._timing.first_pause) if self._finishing else pause
