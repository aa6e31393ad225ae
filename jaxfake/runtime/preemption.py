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

from jaxfake.runtime.errors import PREEMPTED, USAGE, InputError, Preempted

GRACE_SECONDS = 100.0
"""Of 120 that clouds and schedulers usually give; our choice."""

_SAME_SECONDS = 0.3
"""`timeout` and some schedulers signal a process and then its group: that is asking once. Our choice."""

_POLL_SECONDS = 5.0
_ALL_SAVED = "stopped with everything saved: run the same command again to go on"
_OLD = ": what was saved before is whole, run the same command again to go on from it"
_STOPPED = "stopped; what was saved is whole, run the same command again to go on"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Preemption:
    """Whether this process was asked to stop; the process has one, `preemption`.

    Until `listen` is called, signals do what they always do and nobody asks.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._listening = self._protected = False
        self._save_ends: Callable[[], None] | None = None
        self._grace = GRACE_SECONDS
        self._since = 0.0  # by `time.monotonic`, from when on it was asked
        self._farewell: Callable[[], str] | None = None

    @property
    def requested(self) -> bool:
        """Read it between steps; save and raise `Preempted` if it is true."""
        return self._asked.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Until this process leaves, saved or not; None while nobody asks."""
        return self._since + self._grace - time.monotonic() if self.requested else None

    def listen(self) -> None:
        """Hears SIGTERM and Ctrl-C from now on; of the main thread. Once is enough."""
        if self._listening:
            return
        self._listening = True
        heard, rung = os.pipe()
        os.set_blocking(rung, False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # the byte in the pipe says it all
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        _in_background(lambda: self._hear(heard))

    def leaving(self) -> None:
        """The process is on its way out; of the main thread.

        Python takes its handlers away before it ends, and a signal that comes then would decide the exit
        code; one that is ignored stays so.
        """
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

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
            raise Preempted(_ALL_SAVED)

    @contextmanager
    def released(self, save_ends: Callable[[], None]) -> Iterator[None]:
        """Inside of `protecting`, once a save has begun: here a notice waits for its end alone.

        Args:
            save_ends: returns when everything is on disk, and raises if it does not get there.

        Raises:
            Preempted: at the beginning, if a notice came before.
        """
        with self._lock:
            if self.requested:
                raise Preempted(_ALL_SAVED)
            self._save_ends = save_ends
        try:
            yield
        finally:
            with self._lock:
                self._save_ends = None

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
            if self.requested and time.monotonic() - self._since < _SAME_SECONDS:
                return
            if self.requested or not (self._protected or self._farewell):
                _leave(_STOPPED)
            self._since = time.monotonic()
            self._asked.set()
            last_work = self._last_work()
        overdue = threading.Timer(
            self._grace, _leave, [f"not saved within {self._grace:g} s{_OLD}"]
        )
        overdue.daemon = True
        overdue.start()
        if last_work is not None:
            _in_background(last_work)

    def _last_work(self) -> Callable[[], NoReturn] | None:
        """What is done before leaving; None where the protected work sees to that itself."""
        save_ends, farewell = self._save_ends, self._farewell
        if self._protected and save_ends is None:
            return None
        return lambda: _leave_after(save_ends, farewell)

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


preemption = Preemption()
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


def _leave_after(
    save_ends: Callable[[], None] | None, farewell: Callable[[], str] | None
) -> NoReturn:
    if save_ends is not None:
        try:
            save_ends()
        except InputError as error:
            _leave(str(error), USAGE)
    remark = "" if farewell is None else farewell()
    _leave(f"{_STOPPED if save_ends is None else _ALL_SAVED}{remark}")


def _leave(message: str, code: int = PREEMPTED) -> NoReturn:
    """Ends the process from any thread, without waiting for what the others do."""
    print(f"\njaxfake: {message}", file=sys.stderr, flush=True)
    os._exit(code)
