"""Scores of single faces: a method over any faces, on all devices, labels withheld."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from jaxfake import schema
from jaxfake.data.examples import Faces
from jaxfake.data.pipeline import evaluation_batches, iterate
from jaxfake.models import rng
from jaxfake.models.method import Method, Params, Prediction
from jaxfake.runtime.progress import Progress
from jaxfake.schema import Batch
from jaxfake.train import sharding

_METHOD_INPUTS = (schema.IMAGE, schema.LANDMARKS, schema.MASK_SEED, schema.VALID)
"""All that a method is given to score a face; labels and masks are not among it."""


@dataclasses.dataclass(frozen=True)
class ScoringSettings:
    """How faces are scored. Scores depend on the seed alone.

    Attributes:
        batch_size: faces at a time, rounded up to a multiple of the devices.
        seed: of the masks; each face's own follow from it and from its video and frame.
        threads: that read.
    """

    batch_size: int
    seed: int
    mesh: Mesh
    threads: int


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


def score_frames(
    method: Method,
    params: Params,
    faces: Faces,
    rows: np.ndarray,
    scoring: ScoringSettings,
    on_heat: OnHeat | None = None,
    *,
    scores_alone: bool = False,
) -> FrameScores:
    """Scores the faces at `rows`, int64 [n], in that order.

    Args:
        faces: of a prepared dataset, or an `ExampleList`.
        on_heat: called for one batch after the other, if the method has a heat map.
        scores_alone: no picture is computed, for validation again and again; without `on_heat`.

    Raises:
        ValueError: a score is not finite.
    """
    compiled = compiled_prediction(method, scoring.seed, scoring.mesh, scores_alone)
    scores, evidence = [], []
    for batch in device_batches(faces, rows, scoring, "scoring"):
        predicted, n = compiled(params, batch.inputs), batch.faces
        score, named = jax.device_get((predicted.score, predicted.evidence))
        scores.append(score[:n])
        evidence.append({name: values[:n] for name, values in named.items()})
        if on_heat is not None and predicted.heat is not None:
            heat = jax.device_get(predicted.heat)
            on_heat({name: value[:n] for name, value in batch.examples.items()}, heat[:n])
    names = evidence[0] if evidence else {}
    together = {name: _join([part[name] for part in evidence]) for name in names}
    frames = FrameScores(np.asarray(rows), _join(scores), together)
    _check_finite(faces, frames)
    return frames


@functools.cache
def compiled_prediction(
    method: Method, seed: int, mesh: Mesh, scores_alone: bool = False
) -> jax.stages.Wrapped:
    """From parameters and `DeviceBatch.inputs` to the `Prediction`, its heat at the scale of the crop.

    One program for scores and pictures, compiled once and kept; from one for scores alone the compiler
    drops what only pictures need.
    """

    def predict(params: Params, batch: Batch) -> Prediction:
        whole = method.predict(params, batch, evaluation_keys(seed, batch))
        if scores_alone:
            return whole._replace(heat=None, recovered=None, hidden=None)
        if whole.heat is None:
            return whole
        return whole._replace(heat=at_crop_scale(whole.heat, batch[schema.IMAGE].shape[1]))

    return jax.jit(predict, out_shardings=sharding.replicated(mesh))


def at_crop_scale(heat: jax.Array, side: int) -> jax.Array:
    """Heat [B, h, w] to [B, side, side], linear between its places: all methods at one scale."""
    return jax.image.resize(heat, (heat.shape[0], side, side), "linear")


def evaluation_keys(seed: int, batch: Batch) -> jax.Array:
    """PRNG keys [B] that depend on the seed and on each face's video and frame alone."""
    return rng.seeded_keys(rng.stream(seed, "evaluation"), batch[schema.MASK_SEED])


def faces_at_a_time(scoring: ScoringSettings) -> int:
    """Faces of a batch: a multiple of the devices."""
    devices = scoring.mesh.size
    return -(-scoring.batch_size // devices) * devices


def device_batches(
    faces: Faces, rows: np.ndarray, scoring: ScoringSettings, doing: str
) -> Iterator[DeviceBatch]:
    """Batches over the rows in order, split over the mesh; shows the progress, unless `doing` is ''."""
    if not len(rows):
        return
    batches = evaluation_batches(faces, rows, faces_at_a_time(scoring))
    split = NamedSharding(scoring.mesh, sharding.BATCH)
    with Progress(doing, len(rows), "faces") if doing else nullcontext() as progress:
        for batch in iterate(batches, 0, len(batches), scoring.threads):
            seen = {name: batch[name] for name in _METHOD_INPUTS}
            count = int(batch[schema.VALID].sum())
            yield DeviceBatch(_placed(seen, split), batch, count)
            if progress is not None:
                progress.advance(count)


def _placed(batch: Batch, split: NamedSharding) -> Batch:
    """Puts a batch, which every process has as a whole, on the devices."""
    with jax.transfer_guard("allow"):  # this is a transfer by name
        return {
            name: jax.make_array_from_callback(values.shape, split, values.__getitem__)
            for name, values in batch.items()
        }


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0), *parts])


def _check_finite(faces: Faces, frames: FrameScores) -> None:
    for name, values in ({"score": frames.score} | frames.evidence).items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            face = faces.name(int(frames.rows[bad[0]]))
            raise ValueError(f"{name} of {face} is not finite, nor of {len(bad) - 1} further faces")
