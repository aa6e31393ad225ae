"""Hears what decoders in C say about the file that they are reading, instead of the terminal.

libjpeg, libpng and FFmpeg repair what they can of a damaged file, return pixels as if nothing had happened,
and write a line to standard error that names no file. OpenCV gives no other way to learn of it.
"""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator

_MOST = 1 << 16
_MOST_LINES = 1000
"""Bytes that are read at a time, and lines that are kept: a damaged file can have any number."""

_OF_A_DECODER = re.compile(
    r"Corrupt JPEG data|Premature end of JPEG|Invalid SOS|Inconsistent progression"
    r"|Unknown Adobe color|Warning: unknown JFIF|Unsupported marker type|Bogus "
    r"|libpng (error|warning)|\[[^\]]* @ 0x[0-9a-f]+\]|\[ *(DEBUG|INFO|WARN|ERROR|FATAL):"
    r"|\s+Last message repeated|Truncating packet of size"
)
"""How a line of libjpeg, libpng, FFmpeg or OpenCV begins."""

_TO_STANDARD_OUTPUT = ("OPENCV_FFMPEG_LOGLEVEL", "OPENCV_FFMPEG_DEBUG")
"""With these in the environment OpenCV prints FFmpeg's messages to standard output, and some at a time."""

_ONE_AT_A_TIME = threading.RLock()


class Messages:
    """What decoders have written since the block began. Asking is cheap while they are silent."""

    def __init__(self, written: int) -> None:
        self.lines: list[str] = []
        self._written = written
        self._read = 0  # bytes

    def fresh(self) -> list[str]:
        """The lines that came since the last time."""
        end = os.lseek(self._written, 0, os.SEEK_CUR)
        if end == self._read:
            return []
        text = os.pread(self._written, min(end - self._read, _MOST), self._read)
        self._read = end
        lines = _of_decoders(text.decode("utf-8", "replace"))
        self.lines += lines[: _MOST_LINES - len(self.lines)]
        return lines


@contextlib.contextmanager
def heard() -> Iterator[Messages]:
    """Collects the lines of decoders within the block; lines of others go on to standard error.

    The block should do nothing but decode, because standard error belongs to the whole process.
    """
    with _ONE_AT_A_TIME:
        file = _empty_file()
        messages = Messages(file)
        try:
            with _redirected(file):
                yield messages
        finally:
            messages.fresh()
            _pass_on()


@contextlib.contextmanager
def _redirected(file: int) -> Iterator[None]:
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # closed
        terminal = None
    os.dup2(file, 2)
    try:
        yield
    finally:
        if terminal is None:
            os.close(2)
        else:
            os.dup2(terminal, 2)
            os.close(terminal)


def _of_decoders(text: str) -> list[str]:
    """The lines of decoders; the others are kept for `_pass_on`."""
    ours = []
    for line in text.splitlines(keepends=True):
        if _OF_A_DECODER.match(line):
            ours.append(line.strip())
        else:
            _others.append(line)
    return ours


def _pass_on() -> None:
    """Writes the lines of others to the real standard error."""
    while _others:
        with contextlib.suppress(OSError, ValueError):
            os.write(2, _others.pop(0).encode())


def _empty_file() -> int:
    """Descriptor of the file in memory that is written to, one for the whole process."""
    if not _file:
        for name in _TO_STANDARD_OUTPUT:
            os.environ.pop(name, None)
        _file.append(os.memfd_create("decoder messages"))
    if os.lseek(_file[0], 0, os.SEEK_CUR):
        os.lseek(_file[0], 0, os.SEEK_SET)
        os.truncate(_file[0], 0)
    return _file[0]


_file: list[int] = []
_others: list[str] = []
