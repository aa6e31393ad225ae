"""Scores of single faces: a method over any faces, on all devices, labels withheld."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from jaxfake import schema
from jaxfake.data.examples import Faces
from jaxfake.data.pipeline import Transform, evaluation_batches, iterate
from jaxfake.models import rng
from jaxfake.models.method import Method, Params
from jaxfake.runtime.progress import Progress
from jaxfake.schema import Batch
from jaxfake.train import sharding

_METHOD_INPUTS = (schema.IMAGE, schema.LANDMARKS, schema.MASK_SEED, schema.VALID)
"""All that a method is given to score a face; labels and masks are not among it."""


@dataclasses.dataclass(frozen=True)
class ScoringSettings:
    """How faces are scored. Scores depend on the seed and the transform alone.

    Attributes:
        batch_size: faces at a time, rounded up to a multiple of the devices.
        seed: of the masks; each face's own follow from it and from its video and frame.
        threads: that read.
        transform: of each face before it is scored; None for none.
    """

    batch_size: int
    seed: int
    mesh: Mesh
    threads: int
    transform: Transform | None = None


@dataclasses.dataclass(frozen=True)
class FrameScores:
    """One entry per scored face, in the order of the rows that were given.

    Attributes:
        rows: int64 [n], rows of the faces.
        score: float64 [n]; greater means more suspicious.
        evidence: further scores by name, float64 [n] each.
    """

    rows: np.ndarray
    score: np.ndarray
    evidence: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class DeviceBatch:
    """A batch on the devices and on the host.

    Attributes:
        inputs: what the method is given, on the devices; B is a multiple of their number.
        examples: everything that is known of the same faces, on the host.
        faces: how many of them are not padding.
    """

    inputs: Batch
    examples: Batch
    faces: int


OnHeat = Callable[[Batch, np.ndarray], None]
"""Takes everything that is known of some faces, and their heat at crop size, float32 [n, H, W]."""


class _Scored(NamedTuple):
    """Scores of a batch; the compiler drops what is not used."""

    score: jax.Array  # float32 [B]
    evidence: dict[str, jax.Array]  # float32 [B] each
    heat: jax.Array | None  # float32 [B, H, W]


def score_frames(
    method: Method,
    params: Params,
    faces: Faces,
    rows: np.ndarray,
    scoring: ScoringSettings,
    on_heat: OnHeat | None = None,
) -> FrameScores:
    """Scores the faces at `rows`, int64 [n], in that order.

    Args:
        faces: of a prepared dataset, or an `ExampleList`.
        on_heat: called for one batch after the other, if the method has a heat map.

    Raises:
        ValueError: a score is not finite.
    """
    compiled = _compiled(method, scoring.seed, scoring.mesh, on_heat is not None)
    scores, evidence = [], []
    for batch in device_batches(faces, rows, scoring, "scoring"):
        scored, n = jax.device_get(compiled(params, batch.inputs)), batch.faces
        scores.append(scored.score[:n])
        evidence.append({name: values[:n] for name, values in scored.evidence.items()})
        if on_heat is not None and scored.heat is not None:
            on_heat({name: value[:n] for name, value in batch.examples.items()}, scored.heat[:n])
    names = evidence[0] if evidence else {}
    together = {name: _join([part[name] for part in evidence]) for name in names}
    frames = FrameScores(np.asarray(rows), _join(scores), together)
    _check_finite(faces, frames)
    return frames


@functools.cache
def _compiled(method: Method, seed: int, mesh: Mesh, with_heat: bool) -> jax.stages.Wrapped:
    """The compiled scoring, kept: validation runs it again and again."""

    def predict(params: Params, batch: Batch) -> _Scored:
        prediction = method.predict(params, batch, evaluation_keys(seed, batch))
        heat = prediction.heat if with_heat else None
        if heat is not None:
            heat = at_crop_scale(heat, batch[schema.IMAGE].shape[1])
        return _Scored(prediction.score, prediction.evidence, heat)

    return jax.jit(predict, out_shardings=sharding.replicated(mesh))


def at_crop_scale(heat: jax.Array, side: int) -> jax.Array:
    """Heat [B, h, w] to [B, side, side], linear between its places: all methods at one scale."""
    return jax.image.resize(heat, (heat.shape[0], side, side), "linear")


def evaluation_keys(seed: int, batch: Batch) -> jax.Array:
    """PRNG keys [B] that depend on the seed and on each face's video and frame alone."""
    return rng.seeded_keys(rng.stream(seed, "evaluation"), batch[schema.MASK_SEED])


def device_batches(
    faces: Faces, rows: np.ndarray, scoring: ScoringSettings, doing: str
) -> Iterator[DeviceBatch]:
    """Batches over the rows in order, split over the mesh; shows the progress."""
    if not len(rows):
        return
    devices = scoring.mesh.size
    batch_size = -(-scoring.batch_size // devices) * devices
    batches = evaluation_batches(faces, rows, batch_size, scoring.transform)
    split = NamedSharding(scoring.mesh, sharding.BATCH)
    with Progress(doing, len(rows), "faces") as progress:
        for batch in iterate(batches, 0, len(batches), scoring.threads):
            seen = {name: batch[name] for name in _METHOD_INPUTS}
            count = int(batch[schema.VALID].sum())
            yield DeviceBatch(_placed(seen, split), batch, count)
            progress.advance(count)


def _placed(batch: Batch, split: NamedSharding) -> Batch:
    """Puts a batch, which every process has as a whole, on the devices."""
    with jax.transfer_guard("allow"):  # this is a transfer by name
        return {
            name: jax.make_array_from_callback(values.shape, split, values.__getitem__)
            for name, values in batch.items()
        }


def evenly_spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the rows, at equal distances over all of them: no choice by content."""
    count = min(most, len(rows))
    places = (np.arange(count) + 0.5) * (len(rows) / max(count, 1))
    return rows[places.astype(np.int64)]


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0), *parts])


def _check_finite(faces: Faces, frames: FrameScores) -> None:
    for name, values in ({"score": frames.score} | frames.evidence).items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            face = faces.name(int(frames.rows[bad[0]]))
            raise ValueError(f"{name} of {face} is not finite, nor of {len(bad) - 1} further faces")
