"""Preemption: stopping in time when the machine is about to be taken away.

SIGTERM, Ctrl-C and the other signals by which schedulers and terminals announce the end are read by a
thread, because Python runs no signal handler while the compiler works. The notices that some clouds give in
a file or through a command count as signals. Everything that a run writes survives a kill, so the process
exits at once with code 75, wherever it is: in a compilation, an evaluation or a download. Only work that is
being protected is given time: it is told to save, and the process exits when it has saved, or when the
grace period is over.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from jaxfake.runtime.errors import PREEMPTED, USAGE, InputError, Preempted

GRACE_SECONDS = 100.0
"""Clouds and schedulers usually give 120; our choice leaves a margin."""

_REPEAT_SECONDS = 0.3
"""`timeout` and some schedulers signal a process and then its group: that counts as one. Our choice."""

_POLL_SECONDS = 5.0
_ALL_SAVED = "stopped with everything saved: run the same command again to go on"
_SAVED_BEFORE = ": what was saved before is whole, run the same command again to go on from it"
_STOPPED = "stopped; what was saved is whole, run the same command again to go on"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Each asks to stop. SIGUSR1 and SIGUSR2 are what people let a scheduler send before the time is up."""

_URGENT = (signal.SIGTERM, signal.SIGINT)
"""A second one of these makes the process exit at once. A terminal that closes may send SIGHUP twice."""


class Preemption:
    """Whether this process has been asked to stop. There is one instance, `preemption`.

    Until `listen` is called, signals have their usual effect.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._lock = threading.Lock()
        self._listening = self._protected = False
        self._wait_for_save: Callable[[], None] | None = None
        self._grace = GRACE_SECONDS
        self._requested_at = 0.0  # by `time.monotonic`
        self._before_exit: Callable[[], str] | None = None

    @property
    def requested(self) -> bool:
        """Whether to stop. Read it between steps; save and raise `Preempted` if it is true."""
        return self._requested.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Time until this process exits, saved or not; None if no stop is requested."""
        return self._requested_at + self._grace - time.monotonic() if self.requested else None

    def listen(self) -> None:
        """Reacts to the signals from now on. Call it in the main thread.

        `nohup` keeps SIGHUP away, and so does this.
        """
        if self._listening:
            return
        self._listening = True
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        for number in _heard():
            signal.signal(number, lambda *_: None)  # the byte in the pipe carries the number
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        _in_background(lambda: self._read_signals(read_end))

    def wait_until_heard(self) -> None:
        """Returns when the thread that reads signals has read the one that interrupted this thread.

        Call it before the end of protected work: a signal that is read after it makes the process exit at
        once, with a message of its own.
        """
        if self._listening:
            self._requested.wait(_POLL_SECONDS)

    def ignore_signals(self) -> None:
        """Call it in the main thread when the process is about to exit.

        Python removes its handlers before it ends, and a signal that arrives then would decide the exit
        code; an ignored signal stays ignored.
        """
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def set_grace(self, grace: float) -> None:
        """Sets the most seconds between the request to stop and the exit."""
        self._grace = grace

    def poll(self, file: str | None, command: str | None) -> None:
        """Checks every few seconds for a notice: the file exists, or the command ends with 0."""
        if file or command:
            _in_background(lambda: self._poll(file, command))

    @contextmanager
    def protecting(self) -> Iterator[None]:
        """Inside, a request to stop waits until the work has been saved. Do not nest.

        Raises:
            Preempted: at the end, if a stop was requested and the body did not raise it itself.
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
    def protecting_save(self, wait_for_save: Callable[[], None]) -> Iterator[None]:
        """Inside `protecting`, once a save has begun: a request to stop waits for that save only.

        Args:
            wait_for_save: returns when everything is on disk, and raises if the save fails.

        Raises:
            Preempted: at the beginning, if a stop was requested before.
        """
        with self._lock:
            if self.requested:
                raise Preempted(_ALL_SAVED)
            self._wait_for_save = wait_for_save
        try:
            yield
        finally:
            with self._lock:
                self._wait_for_save = None

    @contextmanager
    def before_exit(self, callback: Callable[[], str]) -> Iterator[None]:
        """Inside, a process that stops first calls this function and adds its result to the message.

        It runs in a thread of its own and has `seconds_left`. Protected work raises `Preempted` instead.
        """
        self._before_exit = callback
        try:
            yield
        finally:
            self._before_exit = None

    @contextmanager
    def at_exit(self, act: Callable[[], None]) -> Iterator[None]:
        """Inside, a process that exits at once first does this, which must take no time."""
        _at_exit.append(act)
        try:
            yield
        finally:
            _at_exit.remove(act)

    def request(self) -> None:
        """Asks this process to stop; a second request makes it exit at once."""
        with self._lock:
            if self.requested and time.monotonic() - self._requested_at < _REPEAT_SECONDS:
                return
            if self.requested or not (self._protected or self._before_exit):
                _exit(_STOPPED)
            self._requested_at = time.monotonic()
            self._requested.set()
            final_work = self._final_work()
        overdue = threading.Timer(
            self._grace, _exit, [f"not saved within {self._grace:g} s{_SAVED_BEFORE}"]
        )
        overdue.daemon = True
        overdue.start()
        if final_work is not None:
            _in_background(final_work)

    def _final_work(self) -> Callable[[], NoReturn] | None:
        """What this thread has to do before the exit; None if the protected work exits by itself."""
        wait_for_save, before_exit = self._wait_for_save, self._before_exit
        if self._protected and wait_for_save is None:
            return None
        return lambda: _exit_after(wait_for_save, before_exit)

    def _read_signals(self, pipe: int) -> None:
        while True:
            number = os.read(pipe, 1)[0]
            if number in _URGENT or (number in SIGNALS and not self.requested):
                self.request()

    def _poll(self, file: str | None, command: str | None) -> None:
        pause = threading.Event()
        while not self.requested:
            if (file and Path(file).exists()) or (command and _succeeds(command)):
                self.request()
                return
            pause.wait(_POLL_SECONDS)


_at_exit: list[Callable[[], None]] = []

preemption = Preemption()
"""The only instance, because a signal reaches the process as a whole."""


@contextmanager
def stopped_by_signals(kept: Callable[[], int], files: int) -> Iterator[None]:
    """A signal that asks to stop interrupts the work at any instant; finished files are kept.

    Args:
        kept: how many are finished by then.
        files: how many there are.

    Raises:
        Preempted: a signal came.
    """
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, signal.default_int_handler) for number in heard]
    try:
        with preemption.protecting():
            try:
                yield
            except KeyboardInterrupt as stop:
                preemption.wait_until_heard()
                raise Preempted(
                    f"stopped; {kept()} of {files} files are kept, run the same again"
                ) from stop
    finally:
        for number, handler in zip(heard, before, strict=True):
            signal.signal(number, handler)


def _heard() -> list[signal.Signals]:
    """The signals that ask this process to stop."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in SIGNALS if number != signal.SIGHUP or not ignored]


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


def _exit_after(
    wait_for_save: Callable[[], None] | None, before_exit: Callable[[], str] | None
) -> NoReturn:
    if wait_for_save is not None:
        try:
            wait_for_save()
        except InputError as error:
            _exit(str(error), USAGE)
    remark = "" if before_exit is None else before_exit()
    _exit(f"{_STOPPED if wait_for_save is None else _ALL_SAVED}{remark}")


def exit_at_once(code: int) -> NoReturn:
    """Ends the process from any thread, without waiting for the other threads."""
    for act in _at_exit:
        with suppress(Exception):
            act()
    os._exit(code)


def _exit(message: str, code: int = PREEMPTED) -> NoReturn:
    print(f"\njaxfake: {message}", file=sys.stderr, flush=True)
    exit_at_once(code)
