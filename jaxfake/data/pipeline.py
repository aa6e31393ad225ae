"""The Grain chain from stored examples to batches.

seed > shuffle > forge > augment > balanced mix > batch + valid > shard by process > prefetch

Batch n is a pure function of (seed, n): every step before the prefetch has random access, so a run resumes
at batch n by asking for it, with any number of threads, workers or processes. Each process takes its rows
of one global batch, which is therefore the same for any number of processes.
"""

import dataclasses
import signal
import zlib
from collections.abc import Iterator, Sequence

import grain
import jax
import numpy as np
from absl import flags

from jaxfake import schema
from jaxfake.data.augment.geometry import apply_view, draw_view
from jaxfake.data.augment.photometric import degrade, draw_photometrics
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.data.forgeries.chain import Forger
from jaxfake.data.forgeries.forgery import Forgery
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.preemption import SIGNALS
from jaxfake.runtime.processes.orphan_processes import die_with_parent
from jaxfake.schema import Batch, Example

_PREFETCH_BATCHES = 8

_ROUNDING = 1e-6
"""Of shares that add up to 1."""

_WORKER_IS_GONE = "terminated unexpectedly"
"""Grain's words for it, in a plain RuntimeError."""


class WorkerKilled(Exception):
    """A reading process is gone, as when the system kills it for want of memory; the data are fine."""


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How training faces are augmented."""

    smallest_crop: float  # see `geometry.draw_view`
    photometric: float  # share of the faces that are changed by `photometric.degrade`


@dataclasses.dataclass(frozen=True)
class _Read:
    """Reads the example of a row of any faces."""

    faces: Faces

    def __call__(self, row: int) -> tuple[int, Example]:
        return row, self.faces[row]


@dataclasses.dataclass(frozen=True)
class _Forge:
    """Reads the real face of a row and forges it; without a kind, blends some of them with themselves."""

    forger: Forger
    forgery: Forgery | None
    count: int  # rows in an epoch

    def __call__(self, index: int, row: int) -> tuple[int, Example]:
        turn = index // self.count
        if self.forgery is None:
            return row, self.forger.real(row, turn)
        return row, self.forger.forged(self.forgery, row, turn)


@dataclasses.dataclass(frozen=True)
class _Augment:
    """Augments an example with the random generator that belongs to its place in the data."""

    augmentation: Augmentation

    def __call__(self, item: tuple[int, Example], rng: np.random.Generator) -> tuple[int, Example]:
        row, example = item
        return row, augmented(example, self.augmentation, rng)


def augmented(example: Example, augmentation: Augmentation, rng: np.random.Generator) -> Example:
    """The example in a random view, and at the given rate through a camera or an upload."""
    size = example.image.shape[0]
    example = apply_view(example, draw_view(rng, size, augmentation.smallest_crop))
    if rng.random() < augmentation.photometric:
        example = example._replace(image=degrade(example.image, draw_photometrics(rng)))
    return example


def rows_of(dataset: FaceDataset, label: int) -> np.ndarray:
    """The rows with a label, int64 [n].

    Raises:
        InputError: there are none.
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
    augmentation: Augmentation,
    forger: Forger | None = None,
) -> grain.MapDataset:
    """Endless training batches; element n is global batch n.

    Each class has an equal share of every batch, and in the long run each manipulation an equal share of
    its class, however many faces it has. Forgeries have the shares of the mixture, and the dataset's own
    fakes the rest; where it has none, the forgeries fill the class.

    Args:
        dataset: a training split.
        classes: labels to draw from; stage 1 gives REAL alone, and any other example stops the run.
        batch_size: rows of the part of each batch that this process reads.
        seed: of the order and the augmentation.
        augmentation: drawn anew each time that a face is read, after it was forged.
        forger: makes forgeries of the dataset's real faces; None for none.
    """
    mixed = grain.MapDataset.mix(
        [_class(dataset, label, seed, augmentation, forger) for label in classes]
    )
    return mixed.batch(_local(batch_size), batch_fn=_training_batch)[
        jax.process_index() :: jax.process_count()
    ]


def _class(
    dataset: FaceDataset, label: int, seed: int, augmentation: Augmentation, forger: Forger | None
) -> grain.MapDataset:
    """The endless faces of a label, augmented."""
    if forger is not None and label == schema.FAKE:
        return _forgeries_and_fakes(dataset, seed, augmentation, forger)
    kinds = _manipulations(dataset, label)
    if forger is not None:
        blended = [_forging(one.rows, one.name, seed, augmentation, forger, None) for one in kinds]
        return grain.MapDataset.mix(blended)
    return grain.MapDataset.mix([_endless(dataset, one, seed, augmentation) for one in kinds])


def _forgeries_and_fakes(
    dataset: FaceDataset, seed: int, augmentation: Augmentation, forger: Forger
) -> grain.MapDataset:
    """Forgeries by their shares, and the dataset's own fakes in the rest."""
    rows, mixture = forger.forgeable.rows, forger.mixture
    fakes = [
        _forging(rows, f"forged/{number}/{one.kind}", seed, augmentation, forger, one)
        for number, one in enumerate(mixture)
    ]
    shares = [forgery.share for forgery in mixture]
    rest = 1 - sum(shares)
    if rest > _ROUNDING and (dataset.index.label == schema.FAKE).any():
        own = _manipulations(dataset, schema.FAKE)
        fakes += [_endless(dataset, one, seed, augmentation) for one in own]
        shares += [rest / len(own)] * len(own)
    return grain.MapDataset.mix(fakes, weights=shares)


@dataclasses.dataclass(frozen=True)
class _Manipulation:
    """The training faces of one manipulation; the real faces are one too."""

    name: str
    label: int
    rows: np.ndarray


def _manipulations(dataset: FaceDataset, label: int) -> list[_Manipulation]:
    rows = rows_of(dataset, label)
    names = dataset.index.method[rows]
    return [_Manipulation(name, label, rows[names == name]) for name in np.unique(names).tolist()]


def _endless(
    dataset: FaceDataset, manipulation: _Manipulation, seed: int, augmentation: Augmentation
) -> grain.MapDataset:
    """The faces of a manipulation, in a new random order in each epoch."""
    return (
        grain.MapDataset.source(manipulation.rows)
        .seed(_fold(seed, manipulation.name))
        .shuffle()
        .repeat()
        .map(_Read(dataset))
        .random_map(_Augment(augmentation))
    )


def _forging(
    rows: np.ndarray,
    name: str,
    seed: int,
    augmentation: Augmentation,
    forger: Forger,
    forgery: Forgery | None,
) -> grain.MapDataset:
    """Real faces, or forgeries of one kind, in a new random order in each epoch."""
    return (
        grain.MapDataset.source(rows)
        .seed(_fold(seed, name))
        .shuffle()
        .repeat()
        .map_with_index(_Forge(forger, forgery, len(rows)))
        .random_map(_Augment(augmentation))
    )


def evaluation_batches(faces: Faces, rows: np.ndarray, batch_size: int) -> grain.MapDataset:
    """Batches of the given rows in order; the padding of the last one has `valid` False."""
    total = -(-len(rows) // batch_size) * batch_size
    padded = np.resize(rows, total)
    valid = np.arange(total) < len(rows)
    read = grain.MapDataset.source(padded).map(_Read(faces))
    batches = read.batch(batch_size, batch_fn=_stack)
    return batches.map_with_index(
        lambda n, batch: batch | {schema.VALID: valid[n * batch_size : (n + 1) * batch_size]}
    )


def iterate(
    batches: grain.MapDataset, start: int, stop: int, threads: int, workers: int = 0
) -> Iterator[Batch]:
    """Batches start, start + 1, ..., stop - 1, read ahead in the background.

    Raises:
        WorkerKilled: while iterating; one of the reading processes is gone.
    """
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=_PREFETCH_BATCHES)
    ahead = batches.slice(slice(start, stop)).to_iter_dataset(options)
    if workers:
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()  # Grain reads a flag of its own, even outside absl.app
        ahead = ahead.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=workers), worker_init_fn=_start_worker
        )
    return _naming_lost_workers(iter(ahead))


def _naming_lost_workers(batches: Iterator[Batch]) -> Iterator[Batch]:
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except RuntimeError as error:
            if _WORKER_IS_GONE not in str(error):
                raise
            raise WorkerKilled("a process that reads data was killed") from error
        yield batch


def _start_worker(worker: int, workers: int) -> None:
    """Grain's hook at the start of a worker."""
    del worker, workers
    die_with_parent()
    for number in SIGNALS:
        signal.signal(
            number, signal.SIG_IGN
        )  # the parent hears them; it needs its workers until then


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
