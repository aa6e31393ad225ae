"""A machine that is asked back, wherever the process is: in a step, a compilation, an evaluation.

SIGTERM and Ctrl-C are heard by a thread, since Python itself hears nothing while the compiler works; so are
the notices that some clouds give in a file or to a command. Everything that a run writes survives
a kill, so the process leaves at once with exit code 75, unless work that is not saved yet is being
protected: then it is told to save, and leaves when it has, or when the time for that is over.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from jaxfake.errors import PREEMPTED, Preempted

GRACE_SECONDS = 100.0
"""Of 120 that clouds and schedulers usually give; our choice."""

_POLL_SECONDS = 5.0
_OLD = ": what was saved before is whole, run the same command again to go on from it"
_STOPPED = "stopped; what was saved is whole, run the same command again to go on"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class AskedBack:
    """Whether this process was asked to stop; the process has one, `asked_back`.

    Until `listen` is called, signals do what they always do and nobody asks.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._protected = False
        self._grace = GRACE_SECONDS
        self._until: float | None = None  # of the monotonic clock
        self._farewell: Callable[[], str] | None = None

    @property
    def requested(self) -> bool:
        """Read it between steps; save and raise `Preempted` if it is true."""
        return self._asked.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Until this process leaves, saved or not; None while nobody asks."""
        return None if self._until is None else self._until - time.monotonic()

    def listen(self) -> None:
        """Hears SIGTERM and Ctrl-C from now on; of the main thread."""
        heard, rung = os.pipe()
        os.set_blocking(rung, False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # the byte in the pipe says it all
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        _in_background(lambda: self._hear(heard))

    def allow(self, grace: float) -> None:
        """Seconds between being asked and having left."""
        self._grace = grace

    def poll(self, file: str | None, command: str | None) -> None:
        """Looks every few seconds for a notice: that the file exists, or the command ends with 0."""
        if file or command:
            _in_background(lambda: self._poll(file, command))

    @contextmanager
    def protecting(self) -> Iterator[None]:
        """While inside, a notice waits for the work to be saved. Do not nest.

        Raises:
            Preempted: at the end, if a notice came and the work inside did not say so itself.
        """
        with self._lock:
            self._protected = True
        try:
            yield
        finally:
            with self._lock:
                self._protected = False
        if self.requested:
            raise Preempted("stopped with everything saved: run the same command again to go on")

    @contextmanager
    def before_leaving(self, farewell: Callable[[], str]) -> Iterator[None]:
        """While inside, a notice to unprotected work waits for this call; it returns words to add.

        The call is made in a thread of its own, and has `seconds_left`.
        """
        self._farewell = farewell
        try:
            yield
        finally:
            self._farewell = None

    def ask(self) -> None:
        """Asks this process to stop; the second time, it leaves at once."""
        with self._lock:
            if self.requested or not (self._protected or self._farewell):
                _leave(_STOPPED)
            self._until = time.monotonic() + self._grace
            self._asked.set()
            if not self._protected and (farewell := self._farewell):
                _in_background(lambda: _leave(f"{_STOPPED}{farewell()}"))
        overdue = threading.Timer(
            self._grace, _leave, [f"not saved within {self._grace:g} s{_OLD}"]
        )
        overdue.daemon = True
        overdue.start()

    def _hear(self, pipe: int) -> None:
        while True:
            if os.read(pipe, 1)[0] in _SIGNALS:
                self.ask()

    def _poll(self, file: str | None, command: str | None) -> None:
        pause = threading.Event()
        while not self.requested:
            if (file and Path(file).exists()) or (command and _succeeds(command)):
                self.ask()
                return
            pause.wait(_POLL_SECONDS)


asked_back = AskedBack()
"""Of this process: signals come to it as a whole."""


def _succeeds(command: str) -> bool:
    try:
        done = subprocess.run(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_POLL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _leave(message: str) -> NoReturn:
    """Ends the process from any thread, without waiting for what the others do."""
    print(f"\njaxfake: {message}", file=sys.stderr, flush=True)
    os._exit(PREEMPTED)
