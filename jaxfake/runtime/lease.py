"""One process at a time works in a folder: a second one is refused, whatever machine it runs on.

Whoever works in a folder holds its lease, a small file that says who that is. On one machine the kernel
says whether the holder lives, by a lock of the file or by the number and start of the process, so a lease
that outlived its holder is taken over at once. Disks without locks, or whose locks another machine does not
see, are common, and clocks of two machines differ. So the holder also touches the file every few seconds,
and another machine watches for a while whether it still does.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from jaxfake.runtime.errors import USAGE, InputError
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import say
from jaxfake.runtime.terminal_text import printable_line
from jaxfake.runtime.typed_values import build

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_MOST_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds; our choices.

    Attributes:
        beat: between two touches of a lease by its holder.
        watch: for which a lease of another machine is watched before it counts as left behind.
        settle: after which a lease that was taken without a lock must still be ours.
    """

    beat: float = 5.0
    watch: float = 60.0
    settle: float = 1.0


DEFAULT_TIMING = Timing()


@dataclasses.dataclass(frozen=True)
class _Holder:
    """Who holds a lease.

    Attributes:
        token: told from every other holder by it.
        host: name of the machine, for people.
        kernel: what tells a machine that runs from others, and from itself before it was started anew.
        processes: in which process numbers are counted; those of containers are not ours.
        process: its number.
        started: when the process began, by the kernel's clock: numbers are used again.
        since: by the clock of that machine, for people.
    """

    token: str
    host: str
    kernel: str
    processes: str
    process: int
    started: str
    since: str

    def is_dead(self) -> bool:
        """Whether the process has ended, as far as that can be seen from here."""
        here = _this_process()
        same = (self.kernel, self.processes) == (here.kernel, here.processes)
        return same and _started(self.process) != self.started

    def __str__(self) -> str:
        return f"host {self.host}, process {self.process}, since {self.since}"


@contextlib.contextmanager
def holding(file: Path, work: str, timing: Timing = DEFAULT_TIMING) -> Iterator[None]:
    """Inside, this process holds the lease, and no other gets it.

    Args:
        file: of the lease; its folder is made.
        work: what is done in the folder, for messages, such as 'a run'.
        timing: of touching and watching.

    Raises:
        InputError: another process holds it, or the folder cannot be written to.
    """
    missing = _missing_folders(file.parent)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lease = _Lease(file, work, timing)
    except OSError as error:
        raise InputError(f"{file.parent} cannot be written to: {error.strerror}") from error
    try:
        with preemption.at_exit(lease.give_back):
            try:
                lease.take()
                yield
            finally:
                lease.give_back()  # in here, so that no stop comes between the two
    finally:
        for folder in missing:  # a command that left nothing leaves no folder
            with contextlib.suppress(OSError):
                folder.rmdir()


class _Lease:
    """The file of a lease, which this process may come to hold."""

    def __init__(self, file: Path, work: str, timing: Timing) -> None:
        self._file, self._work, self._timing = file, work, timing
        self._me = _this_process()
        self._held, self._over = False, threading.Event()
        self._open()

    def _open(self) -> None:
        """Opens the file that has the name, and locks it if nobody has and the disk can."""
        while True:
            self._number, self._new = _opened(self._file)
            self._locked = self._lock()
            if self._locked is not True or _is_named(self._number, self._file):
                return
            os.close(self._number)  # its holder has just deleted it

    def _lock(self) -> bool | None:
        """Whether it is locked by us now; None if this disk has no locks."""
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return None
            raise
        return True

    def take(self) -> None:
        """Makes the lease this process's.

        Raises:
            InputError: another process holds it.
        """
        if self._locked is None:
            say(
                f"the disk of {self._file.parent} has no locks: that nobody else is at work there is "
                "known from a file that is touched"
            )
        self._wait_for_dying()
        holder = self._read()
        if not self._is_free(holder):
            self._watch(holder)
        self._write()
        if not (self._locked or self._new):
            time.sleep(self._timing.settle)  # another may have found it left behind too
        now = self._read_named()
        if now is None or now.token != self._me.token:
            raise self._refused(now)
        self._held = True
        threading.Thread(target=self._beat, name="lease", daemon=True).start()

    def _wait_for_dying(self) -> None:
        """A process that was killed keeps its lock until all of its memory is freed."""
        until = time.monotonic() + self._timing.watch
        while self._locked is False and time.monotonic() < until:
            holder = self._read()
            if holder is None or not holder.is_dead():
                return
            time.sleep(self._timing.settle / 10)
            os.close(self._number)
            self._open()

    def _is_free(self, holder: _Holder | None) -> bool:
        """Whether it is certain that nobody holds it. On one machine the lock alone says so.

        Raises:
            InputError: it is certain that somebody does.
        """
        if holder is None:
            return self._new and self._locked is not False
        here = holder.kernel == self._me.kernel
        if here and self._locked is False:
            raise self._refused(holder)
        if holder.is_dead() or (here and self._locked):
            return True
        if here and holder.processes == self._me.processes:
            raise self._refused(holder)
        return False

    def _watch(self, holder: _Holder | None) -> None:
        """Returns if nobody touches the lease for as long as it is watched.

        Raises:
            InputError: somebody does.
        """
        say(
            f"{self._work} was at work in {self._file.parent} ({holder or 'its lease cannot be read'}): "
            f"watching for {self._timing.watch:g} s whether it still is"
        )
        before, until = _touched(self._file), time.monotonic() + self._timing.watch
        while time.monotonic() < until:
            time.sleep(self._timing.settle / 10)
            if _touched(self._file) != before:
                raise self._refused(self._read_named() or holder)
        say(f"it is not: {self._file.parent} is taken over")

    def _refused(self, holder: _Holder | None) -> InputError:
        return InputError(
            f"{self._work} is at work in {self._file.parent} ({holder or 'by another process'}): wait for "
            "it, stop it, or use another folder"
        )

    def _read(self) -> _Holder | None:
        return _parsed(os.pread(self._number, _MOST_BYTES, 0))

    def _read_named(self) -> _Holder | None:
        """What the file of that name says, which may be another one by now."""
        try:
            with self._file.open("rb") as file:
                return _parsed(file.read(_MOST_BYTES))
        except FileNotFoundError:
            return None

    def _write(self) -> None:
        """In place, in one piece: a new file would not have the lock."""
        content = json.dumps(dataclasses.asdict(self._me)).encode()
        os.pwrite(self._number, content, 0)
        os.ftruncate(self._number, len(content))
        os.fsync(self._number)

    def _beat(self) -> None:
        """Touches the file; ends the process if another has taken over while this one stood still."""
        while not self._over.wait(self._timing.beat):
            try:
                holder = self._read_named()
                os.utime(self._number)
            except OSError:
                continue  # a disk that fails now may work again
            if holder is not None and holder.token != self._me.token and not self._over.is_set():
                _say_and_leave(f"{self._refused(holder)}; it took over while this one stood still")

    def give_back(self) -> None:
        """Ends the lease; its file is deleted, so that the next one need not ask."""
        self._over.set()
        with contextlib.suppress(OSError):
            if self._is_mine() and _is_named(self._number, self._file):
                self._file.unlink()
            os.close(self._number)
        self._held = self._new = False

    def _is_mine(self) -> bool:
        """Whether nobody else has, or is about to have, the file."""
        holder = self._read()
        if holder is None:
            return self._new and self._locked is True
        return holder.token == self._me.token


def _say_and_leave(message: str) -> None:
    """At once, from any thread: whatever this process still writes would damage the work of the other."""
    print("\n" + printable_line(f"jaxfake: {message}"), file=sys.stderr, flush=True)
    os._exit(USAGE)


def _opened(file: Path) -> tuple[int, bool]:
    """The number of the open file, and whether it was made just now, by this process alone."""
    while True:
        with contextlib.suppress(FileExistsError):
            return os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644), True
        with contextlib.suppress(FileNotFoundError):  # its holder has just deleted it
            return os.open(file, os.O_RDWR | os.O_NOFOLLOW), False


def _is_named(number: int, file: Path) -> bool:
    """Whether an open file is the one of that name."""
    try:
        named = file.stat()
    except OSError:
        return False
    return os.path.samestat(os.fstat(number), named)


def _touched(file: Path) -> tuple[int, int, int] | None:
    """What changes when a lease is touched, taken or given back. Opened, because NFS keeps what it knew."""
    try:
        with file.open("rb") as opened:
            facts = os.fstat(opened.fileno())
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _parsed(content: bytes) -> _Holder | None:
    """None if nobody has written it, or not all of it."""
    try:
        holder: _Holder = build(_Holder, json.loads(content), "lease")
    except (ValueError, InputError, RecursionError):
        return None
    return holder


def _this_process() -> _Holder:
    return _Holder(
        token=uuid.uuid4().hex,
        host=socket.gethostname(),
        kernel=_text(Path("/proc/sys/kernel/random/boot_id")) or socket.gethostname(),
        processes=_link(Path("/proc/self/ns/pid")),
        process=os.getpid(),
        started=_started(os.getpid()),
        since=time.strftime("%Y-%m-%d %H:%M:%S %z"),
    )


def _started(process: int) -> str:
    """When a process began; '' if there is none, or it has ended and waits for its parent."""
    fields = _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _missing_folders(folder: Path) -> list[Path]:
    """Folders that do not exist yet, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]
