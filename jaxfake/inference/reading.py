"""Reads files in worker processes, ahead of the detector: faces are tracked and cropped as in preparation.

A file from anywhere may crash a decoder, or keep it for ever. So each is read by a process of its own with
limits of time and memory, which leaves the crops of every face in a file of the work folder.
"""

import ctypes
import dataclasses
import json
import queue
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.crop_files import DamagedCropFile, EncodedCrops
from jaxfake.data.preparation.cropping import CropOptions, Cropper
from jaxfake.faces.model_files import FaceModels
from jaxfake.inference import credentials
from jaxfake.runtime import worker_pool
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, write_atomically
from jaxfake.runtime.worker_pool import Limits


class _End:
    """Comes after the last item."""


_MOST_CREDENTIALS_BYTES = 1 << 20

_AHEAD = 2
"""Files read ahead of the detector for each process that reads, at most."""


@dataclasses.dataclass(frozen=True)
class ReadTask:
    """One file to read.

    Attributes:
        number: in the list of files.
        stem: of the paths of its crop files.
    """

    number: int
    source: SourceFile
    stem: str


@dataclasses.dataclass(frozen=True)
class ReadFile:
    """A file that was read.

    Attributes:
        number: in the list of files.
        people: the crops of each face, see `Cropper.everyone`.
        content_credentials: see `credentials.read`.
    """

    number: int
    people: list[EncodedCrops]
    content_credentials: dict[str, Any] | None


class FrameCounts:
    """How many frames are to be read of each file, and how many were, shared with the workers.

    Each file has two numbers of its own, which one process at a time writes: nothing is locked, so a worker
    that is killed holds nobody up.
    """

    def __init__(self, files: int) -> None:
        self._counts: Any = RawArray(ctypes.c_int64, 2 * files)

    def begin(self, number: int) -> None:
        """A file is read from its beginning."""
        self._counts[2 * number] = self._counts[2 * number + 1] = 0

    def add(self, number: int, to_read: int, read: int) -> None:
        """More frames of a file."""
        self._counts[2 * number] += to_read
        self._counts[2 * number + 1] += read

    def totals(self) -> tuple[int, int]:
        """Frames to be read of the files begun so far, and frames read."""
        return sum(self._counts[::2]), sum(self._counts[1::2])


class TrackReader:
    """Reads one file after the other, in a worker process."""

    def __init__(
        self, models: FaceModels, options: CropOptions, counts: FrameCounts, threads: int = 1
    ) -> None:
        self._counts, self._number = counts, 0
        self._cropper = Cropper(models, options, self._on_frames, threads)

    def __call__(self, task: ReadTask) -> None:
        """Writes a crop file for each face; the first, which says that all are there, last."""
        self._number = task.number
        self._counts.begin(task.number)
        found = credentials.read(task.source.path)
        if found is not None:
            write_atomically(_credentials_file(task.stem), json.dumps(found))
        people = self._cropper.everyone(task.source)
        for place, crops in reversed(list(enumerate(people))):
            crop_files.save(_crop_file(task.stem, place), crops)

    def _on_frames(self, to_read: int, read: int) -> None:
        self._counts.add(self._number, to_read, read)


def read_files(
    tasks: Sequence[ReadTask],
    models: FaceModels,
    options: CropOptions,
    workers: int,
    limits: Limits,
    counts: FrameCounts,
) -> Iterator[ReadFile]:
    """The files as they are read, in any order; their crop files are deleted.

    Where there are more workers than files, the faces of several frames of a file are found at a time.
    """
    threads = max(1, workers // len(tasks))
    start = partial(TrackReader, models, options, counts, threads)
    for outcome in worker_pool.run(list(tasks), start, workers, limits):
        task = tasks[outcome.number]
        yield taken(task, outcome.failure)


def taken(task: ReadTask, failure: str) -> ReadFile:
    """What a `TrackReader` has left of a file, or why it has left nothing; deletes its files.

    Args:
        task: that it was given.
        failure: of its process; '' if it did the task.
    """
    people = [crop_files.failed(failure)] if failure else _crops(task.stem)
    said = _credentials(task.stem)
    _delete(task.stem)
    return ReadFile(task.number, people, said)


class Ahead[T]:
    """Iterates in a thread of its own, some items ahead of whoever takes them. A context manager."""

    def __init__(self, items: Iterator[T], workers: int) -> None:
        self._items = items
        self._queue: queue.Queue[T | BaseException | _End] = queue.Queue(_AHEAD * workers)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Ahead[T]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def take(self, seconds: float) -> T:
        """The next item.

        Raises:
            queue.Empty: there is none after so many seconds.
            StopIteration: there are no more.
        """
        item = self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait()
        if isinstance(item, _End):
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        return item

    def _work(self) -> None:
        try:
            for item in self._items:
                self._put(item)
                if self._stopped.is_set():
                    return
            self._put(_End())
        except BaseException as error:
            self._put(error)

    def _put(self, item: T | BaseException | _End) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
            return


def _crop_file(stem: str, place: int) -> Path:
    return Path(f"{stem}.{place:04}.npz")


def _credentials_file(stem: str) -> Path:
    return Path(f"{stem}.credentials.json")


def _credentials(stem: str) -> dict[str, Any] | None:
    """What a worker has left of a file's credentials."""
    try:
        found: dict[str, Any] = read_json(_credentials_file(stem), _MOST_CREDENTIALS_BYTES)
    except (FileNotFoundError, InputError):
        return None
    return found


def _crops(stem: str) -> list[EncodedCrops]:
    """The crops of all faces that a worker has left."""
    first = Path(stem)
    paths = sorted(first.parent.glob(f"{first.name}.*.npz"))
    try:
        return [crop_files.load(path) for path in paths or [_crop_file(stem, 0)]]
    except DamagedCropFile:
        return [crop_files.failed("its crops were damaged on the disk")]


def _delete(stem: str) -> None:
    first = Path(stem)
    for path in first.parent.glob(f"{first.name}.*"):
        path.unlink(missing_ok=True)
