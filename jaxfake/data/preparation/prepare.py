"""From a person's folder to a dataset: list, crop in parallel, write, count.

The unit of work is one source file. Its crops lie in OUT/.work, under a name made of the file's content
and the settings, until the dataset is written from all of them. So a run that was killed at any instant
goes on where it was when the same command is given again, and ends with the same bytes whatever the
number of processes and the engine that runs them. Needs twice the space of the dataset while it runs.
"""

import fcntl
import hashlib
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from jaxfake.data.layouts import registry
from jaxfake.data.layouts.listing import Listing, SourceFile, content_digest
from jaxfake.data.layouts.registry import Wishes
from jaxfake.data.preparation import coverage, crop_files
from jaxfake.data.preparation.coverage import Coverage, Row
from jaxfake.data.preparation.crop_files import Status
from jaxfake.data.preparation.cropping import CropOptions, Cropper, Task
from jaxfake.data.preparation.splits import DEFAULT_SHARES, SPLITS, SplitShares, split_of
from jaxfake.faces import models
from jaxfake.faces.models import FaceModels
from jaxfake.runtime import worker_pool
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import Progress
from jaxfake.runtime.worker_pool import DEFAULT_LIMITS, Limits, Outcome

WORK = ".work"

DATASET_VERSION = "1.1.0"
"""To be raised when the same files and settings come to give other crops."""

type Engine = Callable[[list[Task], Callable[[], Cropper], int, Limits], Iterator[Outcome]]
"""What does the tasks: `workers.run` on this machine, `scale_out.engine` on others."""


@dataclass(frozen=True)
class Preparation:
    """What a person asks for. The same source and settings give the same dataset."""

    source: Path
    out: Path
    crops: CropOptions
    dataset: str = registry.FOLDER
    wishes: Wishes = registry.NO_WISHES
    shares: SplitShares = DEFAULT_SHARES
    engine: Engine = worker_pool.run  # before the field that takes this name
    workers: int = 1
    face_models: str | None = None  # folder; None is the cache
    limits: Limits = DEFAULT_LIMITS


class Result(NamedTuple):
    """How a preparation ended."""

    coverage: Coverage
    dataset: Path | None  # its folder; None if no file gave a face
    fresh: bool  # False: it was there already


def prepare(wanted: Preparation) -> Result:
    """Makes the dataset, or goes on making it, or finds it made.

    Raises:
        InputError: the source or the models are not usable, or OUT holds something else.
        Preempted: SIGINT or SIGTERM came; what is done is kept.
    """
    if wanted.source.resolve() == wanted.out.resolve():
        raise InputError("--out must be another folder than --source")
    listing = _with_splits(
        registry.list_source(wanted.dataset, wanted.source, wanted.wishes), wanted.shares
    )
    contents = [_content(file) for file in listing.files]
    fingerprint = _fingerprint(listing, contents)
    work = wanted.out / WORK
    settings = _settings(wanted, listing)
    made = _made_before(wanted.out, settings, fingerprint)
    if made:
        shutil.rmtree(work, ignore_errors=True)
        return made
    obtained = models.obtain(wanted.face_models)
    with _locked(work), _stopped_by_signals(work, len(listing.files)):
        face_models = models.lend(obtained, work.absolute() / "face_models")
        kept = [
            work / _unit_name(file, content, wanted.crops)
            for file, content in zip(listing.files, contents, strict=True)
        ]
        statuses = _crop_all(wanted, face_models, listing, kept)
        rows = [
            Row(file, file.split, status)
            for file, status in zip(listing.files, statuses, strict=True)
        ]
        name = registry.dataset_name(wanted.dataset, wanted.source)
        counted = coverage.cover(name, settings, versions(), fingerprint, listing, rows)
        if not any(status.crops for status in statuses):
            coverage.write(wanted.out, counted)
            return Result(counted, None, fresh=True)
        _write_dataset(wanted, name, rows, kept)
        coverage.write(wanted.out, counted)
        shutil.rmtree(work)
    return Result(counted, dataset_folder(wanted.out), fresh=True)


def _with_splits(listing: Listing, shares: SplitShares) -> Listing:
    """The same, where each file has a split: the dataset's, or that of its identity."""
    files = [
        file._replace(split=file.split or split_of(file.identity, shares)) for file in listing.files
    ]
    return listing._replace(files=files)


def _settings(wanted: Preparation, listing: Listing) -> dict[str, Any]:
    """What was asked for and changes the result, as coverage.json keeps it."""
    return {
        **wanted.crops._asdict(),
        "source": wanted.dataset,
        "identity": wanted.wishes.identity,
        "label": listing.label,
        "splits": list(wanted.shares),
        "masks": _masks_in_words(wanted.crops.derive),
    }


def versions() -> dict[str, str]:
    """What decides about the crops beside the source and the settings."""
    return {
        "dataset": DATASET_VERSION,
        "opencv": cv2.__version__,
        "face models": f"{models.PACKAGE}, sha256 {models.WHEEL_SHA256}",
    }


def _masks_in_words(threshold: float | None) -> str:
    """Where masks come from, as every result names it."""
    if threshold is None:
        return coverage.GIVEN_MASKS
    return (
        f"{coverage.GIVEN_MASKS}; else derived, no ground truth of the forger's: where a fake differs "
        f"from its original by more than {threshold:g} of the grey range, cleaned"
    )


def _content(file: SourceFile) -> str:
    """Of all that a unit is made of."""
    return " ".join(
        content_digest(path) for path in (file.path, file.mask, file.original) if path is not None
    )


def _fingerprint(listing: Listing, contents: list[str]) -> str:
    digest = hashlib.sha256()
    for file, content in zip(listing.files, contents, strict=True):
        digest.update(f"{file.relative}\n{content}\n".encode())
    return digest.hexdigest()


def _unit_name(file: SourceFile, content: str, crops: CropOptions) -> str:
    """Another file, another content or other crops: another name, so nothing stale is ever used."""
    text = f"{file.relative}\n{content}\n{tuple(crops)}\n{crops.frames_of(file)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32] + ".npz"


def dataset_folder(out: Path) -> Path:
    """Where the dataset lies in OUT, if any file gave a face."""
    return out / "folder" / DATASET_VERSION


def _made_before(out: Path, settings: dict[str, Any], fingerprint: str) -> Result | None:
    """The finished dataset in OUT if it is the wanted one, None if there is none."""
    there = dataset_folder(out).exists()
    found = coverage.read(out)
    advice = "give another --out, or delete that folder"
    if not (there and found):
        if there and not (out / WORK).exists():
            raise InputError(f"{out} holds a dataset without {coverage.FILE_NAME}: {advice}")
        return None
    other = [key for key, value in settings.items() if found.settings.get(key) != value]
    if other:
        was = ", ".join(f"{key}={found.settings.get(key)}" for key in other)
        raise InputError(f"{out} was prepared with {was}: give the same, or {advice}")
    if found.source["fingerprint"] != fingerprint:
        raise InputError(f"{out} was prepared from other files than are there now: {advice}")
    return Result(found, dataset_folder(out), fresh=False)


def _crop_all(
    wanted: Preparation, face_models: FaceModels, listing: Listing, kept: list[Path]
) -> list[Status]:
    """Makes the units that are not there yet; one status per file, in order."""
    found = [crop_files.load_status(path) for path in kept]
    missing = [at for at, status in enumerate(found) if status is None]
    tasks = [Task(listing.files[at], str(kept[at])) for at in missing]
    start = partial(Cropper, face_models, wanted.crops)
    with Progress("faces", len(kept), "files", done=len(kept) - len(missing)) as progress:
        for end in wanted.engine(tasks, start, wanted.workers, wanted.limits):
            at = missing[end.number]
            found[at] = crop_files.load_status(kept[at])
            if end.failure:
                found[at] = crop_files.failed(end.failure).status
            progress.advance(1)
    return [status for status in found if status is not None]


def _write_dataset(wanted: Preparation, name: str, rows: list[Row], kept: list[Path]) -> None:
    # TFDS takes seconds to import, and the workers must not.
    from jaxfake.data.preparation import tfds_builder as builder

    splits: dict[str, list[builder.Item]] = {split: [] for split in SPLITS}
    for (file, split, status), path in zip(rows, kept, strict=True):
        if status.crops:
            splits[split].append(builder.Item(file, path, status.stored))
    filled = {split: items for split, items in splits.items() if items}
    plan = builder.Plan(name, wanted.crops.size, wanted.crops.storage, filled)
    with Progress("dataset", sum(map(len, filled.values())), "files") as progress:
        made = builder.write(wanted.out / WORK / "dataset", plan, lambda: progress.advance(1))
    final = dataset_folder(wanted.out)
    shutil.rmtree(final.parent, ignore_errors=True)
    made.parent.rename(final.parent)


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    """Two runs into the same folder would delete each other's work."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = (work / "lock").open("w")
    except OSError as error:
        raise InputError(f"cannot write to --out={work.parent}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another preparation is at work in {work.parent}: wait for it"
            ) from error
        yield


@contextmanager
def _stopped_by_signals(work: Path, files: int) -> Iterator[None]:
    """Both signals interrupt the work: between two files or not, what is finished is kept."""
    both = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in both]
    try:
        with preemption.protecting():
            yield
    except KeyboardInterrupt as stop:
        done = len(list(work.glob("*.npz")))
        raise Preempted(f"stopped; {done} of {files} files are kept, run the same again") from stop
    finally:
        for number, handler in zip(both, before, strict=True):
            signal.signal(number, handler)
