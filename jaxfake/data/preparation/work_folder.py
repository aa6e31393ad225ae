"""The folder OUT/.work, which holds the crop files until the dataset is written, and who may work in it."""

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.lease import holding
from jaxfake.runtime.preemption import SIGNALS, preemption

NAME, LEASE = ".work", ".lease"


def crop_file_name(file: SourceFile, crops: CropOptions) -> str:
    """The name of a file's crop file. It changes with the name of the file and the options.

    The content of the file is not in it, because it is read only once, when it is cropped: the crop file
    says what it was made from.
    """
    text = f"{file.relative}\n{astuple(crops)}\n{crops.frames_of(file)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32] + ".npz"


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Makes the folder, alone: two preparations in the same folder would delete each other's work.

    Raises:
        InputError: another preparation uses the folder, or it cannot be written to.
    """
    with holding(work.parent / LEASE, "a preparation"):
        try:
            work.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--out={work.parent} cannot be written to: {error.strerror}"
            ) from error
        for half_written in work.glob(".*.npz.*"):  # by a process that was killed
            half_written.unlink(missing_ok=True)
        yield


@contextmanager
def stopped_by_signals(work: Path, files: int) -> Iterator[None]:
    """A signal that asks to stop interrupts the work at any instant; finished crop files are kept.

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
                done = len(list(work.glob("*.npz")))
                raise Preempted(
                    f"stopped; {done} of {files} files are kept, run the same again"
                ) from stop
    finally:
        for number, handler in zip(heard, before, strict=True):
            signal.signal(number, handler)
