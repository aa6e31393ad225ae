"""The folder OUT/.work, which holds the crop files until the dataset is written, and who may work in it."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple
from pathlib import Path

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.runtime import preemption
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.lease import holding

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


def stopped_by_signals(work: Path, files: int) -> AbstractContextManager[None]:
    """A signal that asks to stop interrupts the work at any instant; finished crop files are kept.

    Raises:
        Preempted: a signal came.
    """
    return preemption.stopped_by_signals(lambda: len(list(work.glob("*.npz"))), files)
