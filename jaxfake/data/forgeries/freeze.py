"""A forged set on disk: the real faces of a prepared dataset and a forgery of each, with exact masks.

The same source, kinds and seed give the same bytes. Splits and identities are those of the source; its own
fakes are left out. It is a prepared dataset like any other.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from jaxfake import schema
from jaxfake.data import records
from jaxfake.data.dataset import FaceDataset, find, open_split, split_names
from jaxfake.data.encoding import Storage
from jaxfake.data.forgeries.forged_split import forged_split
from jaxfake.data.forgeries.forgery import ALL_GUARDS, Forgery, Kind
from jaxfake.data.layouts.registry import FOLDER
from jaxfake.data.preparation import coverage, finished_dataset, work_folder
from jaxfake.data.preparation.coverage import COUNTS, Coverage
from jaxfake.data.preparation.disk_room import DiskRoom
from jaxfake.data.preparation.finished_dataset import dataset_folder
from jaxfake.data.preparation.tfds_builder import write_shards
from jaxfake.data.preparation.versions import DATASET_VERSION
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import Progress

FORGERIES_VERSION = "1.0.0"
"""Has to be raised when the same faces and seed give other forgeries than before."""

_SHARD_BYTES = 256 << 20
"""Of decoded faces; TFDS holds one shard in memory while it is written."""

_CAVEAT = (
    "The fakes are forgeries that jaxfake made from the real faces of {}: results on them say nothing "
    "about deepfakes made by other means."
)

_DESCRIPTION = "Real faces, and forgeries made from them."

_MASKS = "exact: a pixel outside of the mask is that of the real face"


@dataclass(frozen=True)
class Freezing:
    """What is to be frozen."""

    source: Path  # folder of a prepared dataset
    out: Path
    kinds: tuple[Kind, ...]  # each is drawn equally often
    seed: int
    storage: Storage = "png"


@dataclass(frozen=True)
class Frozen:
    """How it ended."""

    coverage: Coverage
    dataset: Path  # its folder
    newly_made: bool  # False: it existed already


def freeze(wanted: Freezing) -> Frozen:
    """Makes the forged set; returns a finished one as it is. One that was interrupted begins anew.

    Raises:
        InputError: the source is not a prepared dataset or a split has too few faces, OUT holds something
            else, or the disk is full.
        Preempted: SIGINT or SIGTERM came.
    """
    if wanted.out.resolve() == wanted.source.resolve():
        raise InputError("--out must be another folder than --source")
    source = find(wanted.source)
    splits = [open_split(source, name, None) for name in split_names(source)]
    settings = _settings(wanted, splits)
    earlier = finished_dataset.find(wanted.out, settings, threads=1)
    if earlier is not None:
        return Frozen(earlier, dataset_folder(wanted.out), newly_made=False)
    mixture = [Forgery(kind, 1 / len(wanted.kinds), 1.0) for kind in wanted.kinds]
    forged = {one.split: forged_split(one, mixture, wanted.seed, ALL_GUARDS) for one in splits}
    faces = {name: split for name, (split, _) in forged.items()}
    left_out = [entry for _, forger in forged.values() for entry in forger.forgeable.left_out]
    counted = _coverage(settings, f"{splits[0].index.dataset[0]}_forged", faces, left_out)
    work = wanted.out / work_folder.NAME
    total = sum(map(len, faces.values()))
    room = DiskRoom(wanted.out, total, total * splits[0].size ** 2 * 4, kept="")
    with work_folder.locked(work), work_folder.stopped_by_signals(work, total), room.explained():
        counted = _write(wanted, counted, faces, work)
    return Frozen(counted, dataset_folder(wanted.out), newly_made=True)


def _settings(wanted: Freezing, splits: Sequence[FaceDataset]) -> dict[str, Any]:
    """What decides about the result, as coverage.json has it."""
    known = coverage.read(splits[0].folder)
    return {
        # Whose splits these are: the source's own, which an official dataset has by its authors.
        "source": known.settings.get("source", FOLDER) if known else FOLDER,
        "forged_from": {one.split: one.digest for one in splits},
        "kinds": list(wanted.kinds),
        "seed": wanted.seed,
        "size": splits[0].size,
        "storage": wanted.storage,
        "masks": _MASKS,
    }


def _coverage(
    settings: dict[str, Any],
    name: str,
    faces: Mapping[str, FaceDataset],
    left_out: Sequence[tuple[str, str]],
) -> Coverage:
    versions = {
        "dataset": DATASET_VERSION,
        "forgeries": FORGERIES_VERSION,
        "opencv": cv2.__version__,
    }
    source = {"files": sum(map(len, faces.values())) // 2, "refused": 0, "missing": 0}
    made_of = json.dumps([name, settings, source, versions], sort_keys=True)
    return Coverage(
        dataset=name,
        settings=settings,
        source=source,
        versions=versions,
        manifest=hashlib.sha256(made_of.encode()).hexdigest(),
        coverage={split: _counts(one) for split, one in faces.items()},
        files=[{"file": face, "status": f"not forged: {why}"} for face, why in left_out],
        caveats=[_CAVEAT.format(name.removesuffix("_forged"))],
    )


def _counts(faces: FaceDataset) -> dict[str, dict[str, int]]:
    """Faces by method, in the form of a preparation."""
    found = Counter(faces.index.method.tolist())
    all_of = ("expected", "found", "frames", "crops", "masks", "masked_crops")
    names = {
        name: (*COUNTS, *(() if name == schema.REAL_METHOD else coverage.MASKS)) for name in found
    }
    return {
        name: {key: found[name] if key in all_of else 0 for key in names[name]}
        for name in sorted(found)
    }


def _write(
    wanted: Freezing, counted: Coverage, faces: Mapping[str, FaceDataset], work: Path
) -> Coverage:
    """Writes the dataset and both copies of its coverage, which is returned with the files' digests."""
    size = next(iter(faces.values())).size
    with Progress("forging", sum(map(len, faces.values())), "faces") as progress:
        written = partial(_examples, counted.dataset, wanted.storage, lambda: progress.advance(1))
        shards = {
            split: [partial(written, one, rows) for rows in _shards(one)]
            for split, one in faces.items()
        }
        made = write_shards(work / "dataset", _DESCRIPTION, size, wanted.storage, shards)
    counted = replace(counted, written=finished_dataset.describe(made, threads=1))
    coverage.write(made, counted)
    final = dataset_folder(wanted.out).parent
    shutil.rmtree(final, ignore_errors=True)  # one that was damaged
    made.parent.rename(final)
    coverage.write(wanted.out, counted)
    shutil.rmtree(work)
    return counted


def _examples(
    dataset: str,
    storage: Storage,
    report: Callable[[], None],
    faces: FaceDataset,
    rows: np.ndarray,
) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in rows.tolist():
        yield str(row), records.encode(faces[row]._replace(dataset=dataset), storage)
        report()


def _shards(faces: FaceDataset) -> list[np.ndarray]:
    """The rows of each shard."""
    each = max(_SHARD_BYTES // (faces.size**2 * 4), 1)
    return np.array_split(np.arange(len(faces)), -(-len(faces) // each))
