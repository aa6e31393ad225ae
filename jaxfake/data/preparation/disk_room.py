"""How much of the disk a preparation needs, and the message where the disk refuses it."""

import errno
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.runtime.errors import InputError, Preempted

_REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "a file may not get that large there",
    errno.EROFS: "the disk is read-only",
}


@dataclass
class DiskRoom:
    """The space that a preparation takes: its crop files, and the dataset that is made of them.

    Args:
        out: folder of the preparation.
        files: number of source files.
        most: bytes that their crops may have, for as long as none is known.
        kept: what the message says of the work so far.
    """

    out: Path
    files: int
    most: int
    kept: str = "the crops made so far are kept: "
    _done: int = 0
    _stored: int = 0  # bytes of the crops that are done

    def add(self, status: CropStatus) -> None:
        """Counts a file that is cropped."""
        self._done += 1
        self._stored += status.stored

    def check_for_dataset(self) -> None:
        """Checks the space for the dataset, once all crops are made.

        Raises:
            InputError: there is too little.
        """
        if shutil.disk_usage(self.out).free < self._stored:
            raise InputError(self._message(_REFUSALS[errno.ENOSPC]))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Names the folder and what it needs if the disk refuses something inside.

        Raises:
            InputError: it did, in whatever library.
        """
        try:
            yield
        except (InputError, Preempted):
            raise
        except Exception as error:
            reason = _refusal(error)
            if reason is None:
                raise
            raise InputError(self._message(reason)) from error

    def _message(self, reason: str) -> str:
        known = self._stored * self.files // self._done if self._done else None
        needed = "at most " * (known is None) + _size(2 * (self.most if known is None else known))
        return (
            f"--out={self.out}: {reason}. Crops and dataset take {needed} together, "
            f"{_size(shutil.disk_usage(self.out).free)} are free now; {self.kept}make room and run "
            "the same command again"
        )


def _size(size: int) -> str:
    return f"{math.ceil(size / 1e6)} MB" if size < 1e10 else f"{math.ceil(size / 1e9)} GB"


def _refusal(error: BaseException | None) -> str | None:
    """Why the disk refused something, if that is what this error comes from.

    Libraries in C++ raise errors of their own, and workers send a text: both hold the words of the system.
    """
    while error is not None:
        for code, words in _REFUSALS.items():
            own = isinstance(error, OSError) and error.errno == code
            if own or os.strerror(code) in str(error):
                return words
        error = error.__cause__ or error.__context__
    return None
