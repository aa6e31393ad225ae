"""From a source folder to a dataset: list the files, crop them in parallel, write, count.

The crops of each source file are kept in a crop file in OUT/.work, which says what it was made from, until
the dataset is written from all of them. So a preparation that was killed at any instant goes on where it
was when the same command is given again, and the result has the same bytes for any number of processes and
any engine. It needs twice the space of the dataset while it runs.

A file that cannot be read is counted and named, and tried again by the next command. A source that is gone,
or that changes while it is read, gives no result at all.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jaxfake.data import source_table
from jaxfake.data.layouts import registry
from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.layouts.registry import SourceOptions
from jaxfake.data.preparation import (
    coverage,
    finished_dataset,
    source_content,
    taken,
    work_folder,
)
from jaxfake.data.preparation.coverage import Coverage, CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus, DamagedCropFile
from jaxfake.data.preparation.crop_sources import Engine, SourceCropper
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.disk_room import DiskRoom
from jaxfake.data.preparation.finished_dataset import dataset_folder
from jaxfake.data.preparation.source_facts import belonging, unread
from jaxfake.data.preparation.source_facts.belonging import Belonging
from jaxfake.data.preparation.source_facts.picture_hash import near_copies
from jaxfake.data.preparation.splits import DEFAULT_SHARES, SPLITS, SplitShares
from jaxfake.data.preparation.versions import versions
from jaxfake.data.source_table import Source
from jaxfake.faces import model_files
from jaxfake.runtime import worker_pool
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import Progress, say
from jaxfake.runtime.worker_pool import DEFAULT_LIMITS, Limits


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
    confounds: Callable[[Sequence[Source]], dict[str, Any]] | None = None
    """Measures how well attributes of the files alone tell the labels, for coverage.json."""


@dataclass(frozen=True)
class Result:
    """How a preparation ended."""

    coverage: Coverage
    dataset: Path | None  # its folder; None if no file gave a face
    newly_made: bool  # False: it existed already


def prepare(wanted: Preparation) -> Result:
    """Makes the dataset; continues an earlier preparation, and returns a finished one as it is.

    Raises:
        InputError: the source or the face models are not usable, the source is gone or changes while it is
            read, the same content has both labels, OUT holds something else, or the disk is full.
        Preempted: SIGINT or SIGTERM came; finished crop files are kept.
    """
    if wanted.source.resolve() == wanted.out.resolve():
        raise InputError("--out must be another folder than --source")
    listed = registry.list_source(wanted.dataset, wanted.source, wanted.source_options)
    files = belonging.by_identity(listed.files, wanted.shares)
    say("\n".join([*taken.table(taken.with_splits(listed, files), wanted.shares), ""]))
    _refuse_contradictions(wanted, listed.files, belonging.digests_of_suspects(listed.files))
    settings, work = _settings(wanted, listed), wanted.out / work_folder.NAME
    earlier = finished_dataset.find(wanted.out, settings, wanted.workers)
    if earlier is not None:
        finished_dataset.refuse_other_files(wanted.out, earlier, listed.files, wanted.workers)
        if not earlier.unreadable:
            shutil.rmtree(work, ignore_errors=True)
            return Result(earlier, dataset_folder(wanted.out), newly_made=False)
    obtained = model_files.obtain(wanted.face_models)
    room = DiskRoom(wanted.out, len(files), sum(map(wanted.crops.most_bytes, files)))
    with (
        work_folder.locked(work),
        work_folder.stopped_by_signals(work, len(files)),
        room.explained(),
    ):
        face_models = model_files.copy(obtained, work.absolute() / "face_models")
        cropper = SourceCropper(
            work, face_models, wanted.crops, wanted.engine, wanted.workers, wanted.limits
        )
        if earlier is not None and not finished_dataset.more_is_readable(
            earlier, files, cropper, room
        ):
            shutil.rmtree(work)
            return Result(earlier, dataset_folder(wanted.out), newly_made=False)
        return _make(wanted, listed, settings, cropper, room)


def _make(
    wanted: Preparation,
    listed: Listing,
    settings: dict[str, Any],
    cropper: SourceCropper,
    room: DiskRoom,
) -> Result:
    """Crops what is not cropped yet, and writes the dataset."""
    joined, statuses = _crop_and_join(wanted, listed.files, cropper, room)
    rows = [
        CoverageRow(file, file.split, status)
        for file, status in zip(joined.files, statuses, strict=True)
    ]
    name = registry.dataset_name(wanted.dataset, wanted.source)
    contents = source_content.digest_of_all(listed.files, [one.content for one in statuses])
    counted = coverage.summarise(
        dataset=name,
        settings=settings,
        versions=versions(),
        source_digest=contents,
        listing=listed,
        rows=rows,
        joined=joined.in_numbers,
        left=unread.find(_search(wanted), listed),
    )
    sources = [source_table.source_of(row) for row in rows]
    if wanted.confounds is not None:
        counted = replace(counted, confounds=wanted.confounds(sources))
    if not any(status.crops for status in statuses):
        coverage.write(wanted.out, counted)
        return Result(counted, None, newly_made=True)
    room.check_for_dataset()
    counted = _write_dataset(wanted, counted, rows, sources, cropper)
    shutil.rmtree(cropper.work)
    return Result(counted, dataset_folder(wanted.out), newly_made=True)


def _crop_and_join(
    wanted: Preparation, files: list[SourceFile], cropper: SourceCropper, room: DiskRoom
) -> tuple[Belonging, list[CropStatus]]:
    """Crops the files, and gives those that belong together one split.

    Copies are known only once all files are read. A file that they move to another split is cropped again
    if the split decides about its crops, as it does about the number of its frames.
    """
    first = belonging.by_identity(files, wanted.shares)
    statuses = cropper.crop(first, room)
    digests = [source_content.own_digest(status.content) for status in statuses]
    _refuse_contradictions(wanted, files, digests)
    near = near_copies([status.hashes for status in statuses])
    joined = belonging.belonging(files, digests, near, wanted.shares)
    moved = [
        at
        for at, (before, after) in enumerate(zip(first, joined.files, strict=True))
        if cropper.crop_file(before) != cropper.crop_file(after)
    ]
    if moved:
        again = cropper.crop([joined.files[at] for at in moved], room)
        for at, status in zip(moved, again, strict=True):
            statuses[at] = status
    return joined, statuses


def _refuse_contradictions(
    wanted: Preparation, files: list[SourceFile], digests: list[str]
) -> None:
    """Checks what a person says of their own files. What an official dataset says is counted instead."""
    if wanted.dataset in registry.OWN_FILES:
        belonging.refuse_contradictions(files, digests)
        belonging.refuse_parted(files, digests, "--splits=0.8,0.1,0.1 splits all files anew")


def _search(wanted: Preparation) -> unread.Search:
    """Where files may be that are not read."""
    return unread.Search(
        root=wanted.source,
        out=wanted.out,
        text=wanted.dataset == registry.FOLDER,
        beside_only=wanted.dataset == registry.TABLE,
        follow_links=wanted.source_options.follow_links,
    )


def _settings(wanted: Preparation, listing: Listing) -> dict[str, Any]:
    """The settings that change the result, as they are written to coverage.json."""
    return {
        **asdict(wanted.crops),
        "source": wanted.dataset,
        "identity": wanted.source_options.identity,
        "label": listing.label,
        "numbered": wanted.source_options.numbered,
        "own_splits": wanted.source_options.own_splits,
        "follow_links": wanted.source_options.follow_links,
        "subset": wanted.source_options.subset,
        "splits": list(wanted.shares),
        "masks": _masks_in_words(wanted.crops.derive),
        "subject_in_words": coverage.SUBJECTS[wanted.crops.subject],
    }


def _masks_in_words(threshold: float | None) -> str:
    """Where the forgery masks come from, as every result says it."""
    if threshold is None:
        return coverage.GIVEN_MASKS
    return (
        f"{coverage.GIVEN_MASKS}; else derived, not the forger's ground truth: where a fake differs "
        f"from its original by more than {threshold:g} of the grey range, cleaned"
    )


def _write_dataset(
    wanted: Preparation,
    counted: Coverage,
    rows: list[CoverageRow],
    sources: list[Source],
    cropper: SourceCropper,
) -> Coverage:
    """Writes the dataset and both copies of its coverage, which is returned with the files' digests."""
    # TFDS takes seconds to import, and the workers must not.
    from jaxfake.data.preparation import tfds_builder

    splits: dict[str, list[tfds_builder.CroppedFile]] = {split: [] for split in SPLITS}
    for row in rows:
        if row.status.crops:
            path = cropper.crop_file(row.source)
            cropped = tfds_builder.CroppedFile(row.source, path, row.status.stored)
            splits[row.split].append(cropped)
    filled = {split: items for split, items in splits.items() if items}
    plan = tfds_builder.DatasetPlan(
        counted.dataset, wanted.crops.size, wanted.crops.storage, filled
    )
    with Progress("dataset", sum(map(len, filled.values())), "files") as progress:
        try:
            made = tfds_builder.write(cropper.work / "dataset", plan, lambda: progress.advance(1))
        except DamagedCropFile as error:
            raise InputError(f"{error}: run the same command again, which makes it anew") from error
    source_table.write(made, sources)
    counted = replace(counted, written=finished_dataset.describe(made, wanted.workers))
    coverage.write(made, counted)
    _replace(dataset_folder(wanted.out).parent, made.parent, cropper.work / "replaced")
    coverage.write(wanted.out, counted)
    return counted


def _replace(old: Path, new: Path, aside: Path) -> None:
    """Puts a folder in the place of another, which is deleted with the work folder."""
    shutil.rmtree(aside, ignore_errors=True)
    if old.exists():
        old.rename(aside)
    new.rename(old)
