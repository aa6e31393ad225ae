"""The Grain chain from stored examples to batches.

seed > shuffle > joint transforms > balanced mix > batch + valid > shard by process > prefetch

Batch n is a pure function of (seed, n): every step before the prefetch is random access, so a run
resumes at batch n by asking for it, whatever the number of threads, workers or processes. Processes
take their rows of one global batch, which is therefore the same on any number of them.
"""

import dataclasses
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import grain
import jax
import numpy as np
from absl import flags

from jaxfake import schema
from jaxfake.data.augment.geometry import draw_view, see
from jaxfake.data.augment.photometric import degrade, draw_shot
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.orphans import die_with_parent
from jaxfake.schema import Batch, Example

_PREFETCH_BATCHES = 8


Transform = Callable[[Example], Example]
"""Changes an example before it is scored, such as a perturbation whose effect is measured."""


class Views(NamedTuple):
    """How training faces are varied."""

    smallest_crop: float  # see `transforms.draw_view`
    photometric: float  # share of the faces that go through `photometric.degrade`


@dataclasses.dataclass(frozen=True)
class _ReadChecked:
    """Row of a training split to its example, whose label must be the one of the index."""

    dataset: FaceDataset
    label: int

    def __call__(self, row: int) -> tuple[int, Example]:
        example = self.dataset[row]
        if example.label != self.label:
            raise InputError(
                f"{self.dataset.name(row)} has label {example.label}, where the index promised "
                f"{self.label}: {self.dataset.folder} is damaged or its index stale, prepare it again"
            )
        return row, example


@dataclasses.dataclass(frozen=True)
class _Read:
    """Row of any faces to its example, changed as asked."""

    faces: Faces
    transform: Transform | None

    def __call__(self, row: int) -> tuple[int, Example]:
        example = self.faces[row]
        return row, example if self.transform is None else self.transform(example)


@dataclasses.dataclass(frozen=True)
class _RandomView:
    """Random view of an example, drawn from the generator that belongs to its place."""

    views: Views

    def __call__(self, item: tuple[int, Example], rng: np.random.Generator) -> tuple[int, Example]:
        row, example = item
        example = see(example, draw_view(rng, example.image.shape[0], self.views.smallest_crop))
        if rng.random() < self.views.photometric:
            example = example._replace(image=degrade(example.image, draw_shot(rng)))
        return row, example


def rows_of(dataset: FaceDataset, label: int) -> np.ndarray:
    """Rows whose label is as asked, int64 [n].

    Raises:
        InputError: there is none.
    """
    rows = np.flatnonzero(dataset.index.label == label)
    if not len(rows):
        kind = {schema.REAL: "real", schema.FAKE: "fake"}[label]
        raise InputError(
            f"{dataset.folder} has no {kind} faces in its split {dataset.split!r}; examples whose "
            "label is unknown do not count: prepare with --label=real if they are real"
        )
    return rows


def training_batches(
    dataset: FaceDataset,
    classes: Sequence[int],
    batch_size: int,
    seed: int,
    views: Views,
) -> grain.MapDataset:
    """Endless training batches; element n is global batch n.

    Each class has an equal share of every batch, and within its class each method (manipulation) in
    the long run, however many faces there are of it.

    Args:
        dataset: a training split.
        classes: labels to draw from; stage 1 gives REAL alone, and any other example stops the run.
        batch_size: rows of the part of each batch that this process reads.
        seed: of order and views.
        views: drawn anew each time that a face comes up.
    """
    mixed = grain.MapDataset.mix(
        [
            grain.MapDataset.mix(
                [_endless(dataset, method, seed, views) for method in _methods(dataset, label)]
            )
            for label in classes
        ]
    )
    return mixed.batch(_local(batch_size), batch_fn=_training_batch)[
        jax.process_index() :: jax.process_count()
    ]


class _Method(NamedTuple):
    """The training faces of one method."""

    name: str
    label: int
    rows: np.ndarray


def _methods(dataset: FaceDataset, label: int) -> list[_Method]:
    rows = rows_of(dataset, label)
    names = dataset.index.method[rows]
    return [_Method(name, label, rows[names == name]) for name in np.unique(names).tolist()]


def _endless(dataset: FaceDataset, method: _Method, seed: int, views: Views) -> grain.MapDataset:
    """The faces of a method, shuffled anew each time around."""
    return (
        grain.MapDataset.source(method.rows)
        .seed(_fold(seed, method.name))
        .shuffle()
        .repeat()
        .map(_ReadChecked(dataset, method.label))
        .random_map(_RandomView(views))
    )


def evaluation_batches(
    faces: Faces, rows: np.ndarray, batch_size: int, transform: Transform | None = None
) -> grain.MapDataset:
    """Batches over the given rows in order, the last one padded with `valid` False."""
    total = -(-len(rows) // batch_size) * batch_size
    padded = np.resize(rows, total)
    valid = np.arange(total) < len(rows)
    read = grain.MapDataset.source(padded).map(_Read(faces, transform))
    batches = read.batch(batch_size, batch_fn=_stack)
    return batches.map_with_index(
        lambda n, batch: batch | {schema.VALID: valid[n * batch_size : (n + 1) * batch_size]}
    )


def iterate(
    batches: grain.MapDataset, start: int, stop: int, threads: int, workers: int = 0
) -> Iterator[Batch]:
    """Batches start, start + 1, ..., stop - 1, read ahead in the background."""
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=_PREFETCH_BATCHES)
    ahead = batches.slice(slice(start, stop)).to_iter_dataset(options)
    if workers:
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()  # Grain reads a flag of its own, also outside absl.app
        ahead = ahead.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=workers), worker_init_fn=_start_worker
        )
    return iter(ahead)


def _start_worker(worker: int, workers: int) -> None:
    """Grain's hook at the start of a worker."""
    del worker, workers
    die_with_parent()


def _local(batch_size: int) -> int:
    processes = jax.process_count()
    if batch_size % processes:
        raise InputError(f"batch_size {batch_size} must be a multiple of the {processes} processes")
    return batch_size // processes


def _fold(seed: int, method: str) -> int:
    return zlib.crc32(f"{seed}/{method}".encode())


def _training_batch(items: Sequence[tuple[int, Example]]) -> Batch:
    return _stack(items) | {schema.VALID: np.ones(len(items), np.bool_)}


def _stack(items: Sequence[tuple[int, Example]]) -> Batch:
    rows, examples = zip(*items, strict=True)
    return {
        schema.ROW: np.asarray(rows, np.int32),
        schema.IMAGE: np.stack([example.image for example in examples]),
        schema.LANDMARKS: np.stack([example.landmarks for example in examples]),
        schema.LABEL: np.asarray([example.label for example in examples], np.int32),
        schema.FORGERY_MASK: np.stack([example.forgery_mask for example in examples]),
        schema.HAS_MASK: np.asarray([example.has_mask for example in examples], np.bool_),
        schema.MASK_SEED: _hashes([(*_video(one), str(one.frame)) for one in examples]),
        schema.VIDEO: _hashes([_video(one) for one in examples]),
        schema.MANIPULATION: _hashes([(one.method,) for one in examples]),
    }


def _video(example: Example) -> tuple[str, ...]:
    return example.dataset, example.method, example.video_id


def _hashes(names: Sequence[tuple[str, ...]]) -> np.ndarray:
    """A number for each name, uint32 [n], the same in every run."""
    return np.asarray([zlib.crc32("\0".join(name).encode()) for name in names], np.uint32)
