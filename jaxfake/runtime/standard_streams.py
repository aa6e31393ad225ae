"""Standard output and error that may go away, or be narrow, without an effect on the work.

The reader of a pipe ends, a terminal is closed, the disk of a log is full, a terminal knows ASCII alone:
`print` raises an error in each case, which would end a run of days for the sake of a line of progress.
"""

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Buffer
from typing import TextIO

_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF)
"""Nothing that is written there will ever arrive: a pipe without a reader, a closed terminal or socket."""


def outlive() -> None:
    """From now on writing to standard output and error raises no error: what cannot be written is dropped.

    Characters that the terminal does not know are written as escapes. Call it before anything opens a file,
    which would take the number of a standard stream that is closed.
    """
    for number in (0, 1, 2):
        if not _is_open(number):
            _take_from_null(number)
    if not _is_ours(sys.stdout):
        sys.stdout, sys.stderr = _stream(1, sys.stdout), _stream(2, sys.stderr)


class _Dropping(io.FileIO):
    """Writes to a standard stream; what the system does not take is dropped."""

    def write(self, data: Buffer, /) -> int:
        view = memoryview(data)
        try:
            return self._written(view)
        except OSError as error:
            if error.errno in _GONE:
                # Libraries in C, and processes that are started later, write there too.
                _take_from_null(self.fileno())
            return view.nbytes

    def _written(self, data: memoryview) -> int:
        """Waits where a reader is slow and the other side has made the stream one that does not wait."""
        while (written := super().write(data)) is None:
            select.select([], [self], [])
        return written


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _take_from_null(number: int) -> None:
    """Lets a standard stream lead nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def _is_ours(stream: TextIO | None) -> bool:
    return isinstance(getattr(getattr(stream, "buffer", None), "raw", None), _Dropping)


def _stream(number: int, before: TextIO | None) -> TextIO:
    """The stream of a number, set up as Python did, but for errors."""
    encoding, by_line = "utf-8", number == 2
    if isinstance(before, io.TextIOWrapper):
        with contextlib.suppress(OSError):
            before.flush()
        encoding = before.encoding
        by_line = by_line or before.line_buffering or before.write_through
    return io.TextIOWrapper(
        io.BufferedWriter(_Dropping(number, "w", closefd=False)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=by_line,
    )
