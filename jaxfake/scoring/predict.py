"""Scores of single faces: a method over the rows of a dataset, on all devices, labels withheld."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from jaxfake import schema, streams
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.pipeline import evaluation_batches, iterate
from jaxfake.models.method import Method, Params
from jaxfake.progress import Progress
from jaxfake.schema import Batch
from jaxfake.train import rules

_SEEN = (schema.IMAGE, schema.LANDMARKS, schema.MASK_SEED, schema.VALID)
"""All that a method is given to score a face. What it must not know it cannot look at."""


class Sweep(NamedTuple):
    """How the faces of a dataset are gone through. Results do not depend on it, but for the seed."""

    batch_size: int  # faces at a time, rounded up to a multiple of the devices
    seed: int  # of the masks; each face's own follow from it and from its video and frame
    mesh: Mesh
    threads: int  # that read


class FrameScores(NamedTuple):
    """One entry per scored face, in the order in which they were asked for."""

    rows: np.ndarray  # int64 [n], rows of the dataset
    score: np.ndarray  # float64 [n], grows with suspicion
    evidence: dict[str, np.ndarray]  # float64 [n] per name


class Placed(NamedTuple):
    """A batch on the devices."""

    batch: Batch  # without labels, B a multiple of the devices
    images: np.ndarray  # uint8 [B, H, W, 3], on the host
    faces: int  # before the padding of the last batch


def score_frames(
    method: Method, params: Params, dataset: FaceDataset, rows: np.ndarray, sweep: Sweep
) -> FrameScores:
    """Scores the faces at `rows`, int64 [n], in that order.

    Raises:
        ValueError: a score is not finite.
    """
    compiled = _compiled(method, sweep.seed, sweep.mesh)
    scores, evidence = [], []
    for placed in placed_batches(dataset, rows, sweep, "scoring"):
        score, named = jax.device_get(compiled(params, placed.batch))
        scores.append(score[: placed.faces])
        evidence.append({name: values[: placed.faces] for name, values in named.items()})
    names = evidence[0] if evidence else {}
    together = {name: _join([part[name] for part in evidence]) for name in names}
    frames = FrameScores(np.asarray(rows), _join(scores), together)
    _check_finite(dataset, frames)
    return frames


@functools.cache
def _compiled(method: Method, seed: int, mesh: Mesh) -> jax.stages.Wrapped:
    """Kept, since a selection scores with it again and again."""

    def predict(params: Params, batch: Batch) -> tuple[jax.Array, dict[str, jax.Array]]:
        prediction = method.predict(params, batch, evaluation_keys(seed, batch))
        return prediction.score, prediction.evidence  # jit drops what only pictures need

    return jax.jit(predict, out_shardings=rules.replicated(mesh))


def evaluation_keys(seed: int, batch: Batch) -> jax.Array:
    """PRNG keys [B] that depend on the seed and on each face's video and frame alone."""
    return streams.seeded_keys(streams.stream(seed, "evaluation"), batch[schema.MASK_SEED])


def placed_batches(
    dataset: FaceDataset, rows: np.ndarray, sweep: Sweep, doing: str
) -> Iterator[Placed]:
    """Batches over the rows in order, split over the mesh; says how far it is."""
    if not len(rows):
        return
    devices = sweep.mesh.size
    batches = evaluation_batches(dataset, rows, -(-sweep.batch_size // devices) * devices)
    split = NamedSharding(sweep.mesh, rules.BATCH)
    with Progress(doing, len(rows), "faces") as progress:
        for batch in iterate(batches, 0, len(batches), sweep.threads):
            seen = {name: batch[name] for name in _SEEN}
            faces = int(batch[schema.VALID].sum())
            yield Placed(jax.device_put(seen, split), batch[schema.IMAGE], faces)
            progress.advance(faces)


def evenly_spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the rows, at equal distances over all of them: no choice by content."""
    count = min(most, len(rows))
    places = (np.arange(count) + 0.5) * (len(rows) / max(count, 1))
    return rows[places.astype(np.int64)]


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0), *parts])


def _check_finite(dataset: FaceDataset, frames: FrameScores) -> None:
    for name, values in ({"score": frames.score} | frames.evidence).items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            face = dataset.name(int(frames.rows[bad[0]]))
            raise ValueError(f"{name} of {face} is not finite, nor of {len(bad) - 1} further faces")
