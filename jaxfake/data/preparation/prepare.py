"""From a source folder to a dataset: list the files, crop them in parallel, write, count.

The crops of each source file are kept in a crop file in OUT/.work, whose name depends on the file's content
and the settings, until the dataset is written from all of them. So a preparation that was killed at any
instant goes on where it was when the same command is given again, and the result has the same bytes for any
number of processes and any engine. It needs twice the space of the dataset while it runs.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jaxfake.data.layouts import registry
from jaxfake.data.layouts.listing import Listing, SourceFile, content_digest
from jaxfake.data.layouts.registry import SourceOptions
from jaxfake.data.preparation import coverage, crop_files, source_table, work_folder
from jaxfake.data.preparation.belonging import belonging, refuse_contradictions
from jaxfake.data.preparation.coverage import Coverage, CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.data.preparation.cropping import CropOptions, Cropper, CropTask
from jaxfake.data.preparation.picture_hash import near_copies
from jaxfake.data.preparation.splits import DEFAULT_SHARES, SPLITS, SplitShares
from jaxfake.data.preparation.versions import DATASET_VERSION, versions
from jaxfake.faces import model_files
from jaxfake.faces.model_files import FaceModels
from jaxfake.runtime import worker_pool
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import Progress
from jaxfake.runtime.worker_pool import DEFAULT_LIMITS, Limits, Outcome

type Engine = Callable[[list[CropTask], Callable[[], Cropper], int, Limits], Iterator[Outcome]]
"""Runs the tasks: `worker_pool.run` on this machine, `beam_launch.engine` on others."""


@dataclass(frozen=True)
class Preparation:
    """What is to be prepared. The same source and settings give the same dataset."""

    source: Path
    out: Path
    crops: CropOptions
    dataset: str = registry.FOLDER
    source_options: SourceOptions = registry.DEFAULT_OPTIONS
    shares: SplitShares = DEFAULT_SHARES
    engine: Engine = worker_pool.run  # run `workers` processes
    workers: int = 1
    face_models: str | None = None  # folder; None is the cache
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Result:
    """How a preparation ended."""

    coverage: Coverage
    dataset: Path | None  # its folder; None if no file gave a face
    newly_made: bool  # False: it existed already


def prepare(wanted: Preparation) -> Result:
    """Makes the dataset; continues an earlier preparation, and returns a finished one as it is.

    Raises:
        InputError: the source or the face models are not usable, or OUT holds something else.
        Preempted: SIGINT or SIGTERM came; finished crop files are kept.
    """
    if wanted.source.resolve() == wanted.out.resolve():
        raise InputError("--out must be another folder than --source")
    listing = registry.list_source(wanted.dataset, wanted.source, wanted.source_options)
    contents = [_content_digest(file) for file in listing.files]
    digests = list(map(_own_digest, listing.files, contents))
    refuse_contradictions(listing.files, digests)
    source_digest = _source_digest(listing, contents)
    work = wanted.out / work_folder.NAME
    settings = _settings(wanted, listing)
    finished = _finished_before(wanted.out, settings, source_digest)
    if finished:
        shutil.rmtree(work, ignore_errors=True)
        return finished
    obtained = model_files.obtain(wanted.face_models)
    with work_folder.locked(work), work_folder.stopped_by_signals(work, len(listing.files)):
        face_models = model_files.copy(obtained, work.absolute() / "face_models")
        # Near copies are known only once all files are read. Where they move a file to another split,
        # it may have to be cropped again, because the split decides about the number of frames.
        joined = belonging(listing.files, digests, (), wanted.shares)
        crop_paths = _crop_paths(work, joined.files, contents, wanted.crops)
        statuses = _crop_all(wanted, face_models, joined.files, crop_paths)
        near = near_copies([status.hashes for status in statuses])
        joined = belonging(listing.files, digests, near, wanted.shares)
        again = _crop_paths(work, joined.files, contents, wanted.crops)
        if again != crop_paths:
            crop_paths = again
            statuses = _crop_all(wanted, face_models, joined.files, crop_paths)
        rows = [
            CoverageRow(file, file.split, status, digest)
            for file, status, digest in zip(joined.files, statuses, digests, strict=True)
        ]
        name = registry.dataset_name(wanted.dataset, wanted.source)
        counted = coverage.summarise(
            name, settings, versions(), source_digest, listing, rows, joined.joined
        )
        if not any(status.crops for status in statuses):
            coverage.write(wanted.out, counted)
            return Result(counted, None, newly_made=True)
        _write_dataset(wanted, name, rows, crop_paths)
        coverage.write(wanted.out, counted)
        shutil.rmtree(work)
    return Result(counted, dataset_folder(wanted.out), newly_made=True)


def _crop_paths(
    work: Path, files: list[SourceFile], contents: list[str], crops: CropOptions
) -> list[Path]:
    return [
        work / work_folder.crop_file_name(file, content, crops)
        for file, content in zip(files, contents, strict=True)
    ]


def _settings(wanted: Preparation, listing: Listing) -> dict[str, Any]:
    """The settings that change the result, as they are written to coverage.json."""
    return {
        **asdict(wanted.crops),
        "source": wanted.dataset,
        "identity": wanted.source_options.identity,
        "label": listing.label,
        "splits": list(wanted.shares),
        "masks": _masks_in_words(wanted.crops.derive),
    }


def _masks_in_words(threshold: float | None) -> str:
    """Where the forgery masks come from, as every result says it."""
    if threshold is None:
        return coverage.GIVEN_MASKS
    return (
        f"{coverage.GIVEN_MASKS}; else derived, not the forger's ground truth: where a fake differs "
        f"from its original by more than {threshold:g} of the grey range, cleaned"
    )


def _content_digest(file: SourceFile) -> str:
    """Digest of all files that the crops of a source file are made from."""
    return " ".join(
        content_digest(path) for path in (file.clip, file.mask, file.original) if path is not None
    )


def _own_digest(file: SourceFile, content: str) -> str:
    """Digest of the file alone, without its mask and original; '' if nothing is in it."""
    empty = file.path.is_file() and not file.path.stat().st_size
    return "" if empty else content.partition(" ")[0]


def _source_digest(listing: Listing, contents: list[str]) -> str:
    """Digest of the names and contents of all files."""
    digest = hashlib.sha256()
    for file, content in zip(listing.files, contents, strict=True):
        digest.update(f"{file.relative}\n{content}\n".encode())
    return digest.hexdigest()


def dataset_folder(out: Path) -> Path:
    """The folder of the dataset in OUT; it exists if any file gave a face."""
    return out / "folder" / DATASET_VERSION


def _finished_before(out: Path, settings: dict[str, Any], source_digest: str) -> Result | None:
    """The finished dataset in OUT, None if there is none.

    Raises:
        InputError: there is one of other settings or files.
    """
    exists = dataset_folder(out).exists()
    found = coverage.read(out)
    advice = "give another --out, or delete that folder"
    if not (exists and found):
        if exists and not (out / work_folder.NAME).exists():
            raise InputError(f"{out} holds a dataset without {coverage.FILE_NAME}: {advice}")
        return None
    changed = [key for key, value in settings.items() if found.settings.get(key) != value]
    if changed:
        was = ", ".join(f"{key}={found.settings.get(key)}" for key in changed)
        raise InputError(f"{out} was prepared with {was}: give the same, or {advice}")
    if found.source["fingerprint"] != source_digest:
        raise InputError(f"{out} was prepared from other files than are there now: {advice}")
    return Result(found, dataset_folder(out), newly_made=False)


def _crop_all(
    wanted: Preparation, face_models: FaceModels, files: list[SourceFile], crop_paths: list[Path]
) -> list[CropStatus]:
    """Makes the crop files that do not exist yet; one status per file, in order."""
    statuses = [crop_files.load_status(path) for path in crop_paths]
    missing = [at for at, status in enumerate(statuses) if status is None]
    tasks = [CropTask(files[at], str(crop_paths[at])) for at in missing]
    start = partial(Cropper, face_models, wanted.crops)
    with Progress(
        "faces", len(crop_paths), "files", done=len(crop_paths) - len(missing)
    ) as progress:
        for outcome in wanted.engine(tasks, start, wanted.workers, wanted.limits):
            at = missing[outcome.number]
            statuses[at] = crop_files.load_status(crop_paths[at])
            if outcome.failure:
                statuses[at] = crop_files.failed(outcome.failure).status
            progress.advance(1)
    return [status for status in statuses if status is not None]


def _write_dataset(
    wanted: Preparation, name: str, rows: list[CoverageRow], crop_paths: list[Path]
) -> None:
    # TFDS takes seconds to import, and the workers must not.
    from jaxfake.data.preparation import tfds_builder

    splits: dict[str, list[tfds_builder.CroppedFile]] = {split: [] for split in SPLITS}
    for row, path in zip(rows, crop_paths, strict=True):
        if row.status.crops:
            cropped = tfds_builder.CroppedFile(row.source, path, row.status.stored)
            splits[row.split].append(cropped)
    filled = {split: items for split, items in splits.items() if items}
    plan = tfds_builder.DatasetPlan(name, wanted.crops.size, wanted.crops.storage, filled)
    with Progress("dataset", sum(map(len, filled.values())), "files") as progress:
        work = wanted.out / work_folder.NAME
        made = tfds_builder.write(work / "dataset", plan, lambda: progress.advance(1))
    source_table.write(made, rows)
    final = dataset_folder(wanted.out)
    shutil.rmtree(final.parent, ignore_errors=True)
    made.parent.rename(final.parent)
