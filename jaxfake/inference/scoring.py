"""Scores of the faces of files, by the same compiled prediction as `evaluate`, with pictures of a few.

Faces of many files go into one batch, so that photographs fill it. A face is decoded when its batch is
read, in the background; of its prediction only what is shown is kept.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxfake import schema
from jaxfake.data.encoding import decode_picture
from jaxfake.data.examples import Faces, face_name
from jaxfake.data.preparation.crop_files import EncodedCrops
from jaxfake.evaluation.predict import (
    DeviceBatch,
    compiled_prediction,
    device_batches,
)
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES, part_map
from jaxfake.inference.model.opened_model import OpenedModel
from jaxfake.inference.results import Measure
from jaxfake.models.method import Prediction
from jaxfake.models.pixels import normalise, to_picture
from jaxfake.models.recovery_pictures import enlarge
from jaxfake.schema import Example

DATASET = "files"
"""The dataset of faces of files. Masks are drawn by it, the digest of the file, and the frame: the same
bytes have the same score, whatever the file is called."""

BATCH = 8
"""Faces of a batch, whatever the config says for `evaluate`. All batches have one shape, because another
shape rounds otherwise: so the score of a face does not depend on what is scored beside it, or on which
machine. On a CPU larger ones are no faster, and one photograph would take as long as the whole batch."""


@dataclasses.dataclass(frozen=True, eq=False)
class ShownFace:
    """A face of which pictures are drawn.

    Attributes:
        place: in its track.
        image: uint8 [H, W, 3].
        hidden: bool [H, W], the pixels that were masked; None if the detector has no mask.
        recovered: uint8 [H, W, 3]; None if it recovers nothing.
        heat: float32 [H, W]; None if it has no heat map.
    """

    place: int
    image: np.ndarray
    hidden: np.ndarray | None
    recovered: np.ndarray | None
    heat: np.ndarray | None


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredTrack:
    """The predictions for one face of a file.

    Attributes:
        scores: float64 [F].
        parts: float64 [3], by `part_names`, mean over the frames; None without a picture.
        measure: what the parts are measured by, see `results.PartErrors`.
        shown: the faces with the highest scores, the highest first.
    """

    scores: np.ndarray
    parts: np.ndarray | None
    measure: Measure
    shown: tuple[ShownFace, ...]


@dataclasses.dataclass(frozen=True)
class TrackFaces:
    """The crops of one face of a file, as examples without a label."""

    crops: EncodedCrops
    video_id: str
    size: int

    def __len__(self) -> int:
        """How many frames it was seen in."""
        return len(self.crops.pictures)

    def __getitem__(self, row: int) -> Example:
        """Decodes one crop."""
        return Example(
            image=decode_picture(self.crops.pictures[row], self.size, "png"),
            landmarks=self.crops.landmarks[row],
            label=schema.UNKNOWN,
            method="unknown",
            dataset=DATASET,
            video_id=self.video_id,
            identity=self.video_id,
            frame=int(self.crops.frames[row]),
            forgery_mask=np.zeros((self.size, self.size), np.uint8),
            has_mask=False,
            matrix=self.crops.matrices[row],
        )

    def name(self, row: int) -> str:
        """A name of one face for messages."""
        return face_name(DATASET, "unknown", self.video_id, int(self.crops.frames[row]))


class _Joined:
    """The faces of several tracks, one after the other."""

    def __init__(self, tracks: Sequence[Faces]) -> None:
        self._tracks = tracks
        self._ends = np.cumsum([len(one) for one in tracks])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, row: int) -> Example:
        track, place = self.at(row)
        return self._tracks[track][place]

    def name(self, row: int) -> str:
        track, place = self.at(row)
        return self._tracks[track].name(place)

    def at(self, row: int) -> tuple[int, int]:
        """Which track a row is of, and its place there."""
        track = int(np.searchsorted(self._ends, row, "right"))
        return track, row - int(self._ends[track]) + len(self._tracks[track])


class _Collected:
    """What is kept of the predictions of one track, while its faces are scored in order."""

    def __init__(self, most_shown: int) -> None:
        self.scores: list[float] = []
        self.parts: list[np.ndarray] = []
        self.shown: list[tuple[float, ShownFace]] = []
        self.measure: Measure = "heat"
        self._most = most_shown

    def add(self, score: float, parts: np.ndarray | None, shown: "_Pictures") -> None:
        place = len(self.scores)
        if shown.predicted.recovered is not None:
            self.measure = "recovery_error"
        self.scores.append(score)
        if parts is not None:
            self.parts.append(parts)
        if len(self.shown) < self._most or (self.shown and score > self.shown[-1][0]):
            self.shown.append((score, shown.face(place)))
            self.shown.sort(key=lambda one: -one[0])
            del self.shown[self._most :]

    def track(self) -> ScoredTrack:
        parts = _mean_of_known(np.stack(self.parts)) if self.parts else None
        scores = np.array(self.scores, np.float64)
        return ScoredTrack(scores, parts, self.measure, tuple(face for _, face in self.shown))


@dataclasses.dataclass(frozen=True)
class _Pictures:
    """The pictures of one row of a batch, copied only if they are kept."""

    row: int
    examples: schema.Batch
    predicted: Prediction

    def face(self, place: int) -> ShownFace:
        of = self.predicted
        image = self.examples[schema.IMAGE][self.row].copy()
        return ShownFace(
            place, image, self._of(of.hidden), self._of(of.recovered), self._of(of.heat)
        )

    def _of(self, values: Any) -> np.ndarray | None:
        return None if values is None else np.array(values[self.row])


def score_tracks(
    model: OpenedModel, tracks: Sequence[Faces], most_shown: int = 0
) -> list[ScoredTrack]:
    """Scores every face of the tracks.

    Args:
        tracks: each with at least one face.
        most_shown: faces of each track of which pictures are kept.

    Raises:
        ValueError: a score is not finite.
    """
    faces, collected = _Joined(tracks), [_Collected(most_shown) for _ in tracks]
    scoring = dataclasses.replace(model.scoring, batch_size=BATCH)
    compiled = compiled_prediction(model.method, scoring.seed, scoring.mesh)
    row = 0
    for batch in device_batches(faces, np.arange(len(faces)), scoring, ""):
        predicted = compiled(model.params, batch.inputs)
        parts = _parts(batch, predicted, model.config.model.patch)
        on_host = jax.device_get((predicted.score, parts, _shown(predicted)))
        for n in range(batch.faces):
            track, _ = faces.at(row)
            _check_finite(faces, row, on_host[0][n])
            part = None if on_host[1] is None else on_host[1][n]
            pictures = _Pictures(n, batch.examples, on_host[2])
            collected[track].add(float(on_host[0][n]), part, pictures)
            row += 1
    return [one.track() for one in collected]


def _shown(predicted: Prediction) -> Prediction:
    """Only what pictures are drawn of, small: hidden pixels as bool [B, H, W], recovered as uint8."""
    if predicted.recovered is None or predicted.hidden is None:
        return predicted._replace(evidence={})
    recovered, hidden = _small(predicted.recovered, predicted.hidden)
    return predicted._replace(recovered=recovered, hidden=hidden, evidence={})


@jax.jit
def _small(recovered: jax.Array, hidden: jax.Array) -> tuple[jax.Array, jax.Array]:
    return to_picture(recovered), enlarge(hidden, recovered.shape[1])


def _parts(batch: DeviceBatch, predicted: Prediction, patch: int) -> jax.Array | None:
    """float32 [B, 3], of each facial part: NaN where nothing of it was hidden; None without a picture."""
    image, landmarks = batch.inputs[schema.IMAGE], batch.inputs[schema.LANDMARKS]
    if (
        predicted.recovered is not None and predicted.hidden is not None
    ):  # one never without the other
        return _recovery_errors(image, landmarks, predicted.recovered, predicted.hidden, patch)
    return None if predicted.heat is None else _mean_heat(landmarks, predicted.heat, patch)


@partial(jax.jit, static_argnames="patch")
def _recovery_errors(
    image: jax.Array, landmarks: jax.Array, recovered: jax.Array, hidden: jax.Array, patch: int
) -> jax.Array:
    side = image.shape[1]
    error = jnp.square(recovered.astype(jnp.float32) - normalise(image)).mean(-1)
    return _by_part(error, enlarge(hidden, side), landmarks, patch)


@partial(jax.jit, static_argnames="patch")
def _mean_heat(landmarks: jax.Array, heat: jax.Array, patch: int) -> jax.Array:
    return _by_part(heat, jnp.ones(heat.shape, jnp.bool_), landmarks, patch)


def _by_part(values: jax.Array, counted: jax.Array, landmarks: jax.Array, patch: int) -> jax.Array:
    """Mean of values [B, H, W] over the pixels of each part that count, float32 [B, 3]."""
    side = values.shape[1]
    grid = side // patch
    part = enlarge(part_map(landmarks, side, patch).part.reshape(-1, grid, grid), side)
    means = []
    for each in FACE_PARTS:
        inside = (part == each) & counted
        total = jnp.where(inside, values, 0.0).sum((1, 2))
        means.append(total / inside.sum((1, 2)).astype(jnp.float32))
    return jnp.stack(means, axis=1)


def part_names() -> tuple[str, ...]:
    """Of the columns of `ScoredTrack.parts`."""
    return tuple(PART_NAMES[part] for part in FACE_PARTS)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Means over the rows of float [n, k] without NaNs; NaN of a column that has nothing else."""
    known = np.isfinite(values)
    counts = known.sum(0)
    sums = np.where(known, values, 0.0).astype(np.float64).sum(0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _check_finite(faces: _Joined, row: int, score: np.ndarray) -> None:
    if not np.isfinite(score):
        raise ValueError(f"the score of {faces.name(row)} is not finite")
