"""Recovered faces as pictures for the report: chosen by place in the split, never by their look."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.models.method import Method, Params
from jaxfake.models.pictures import recovery_strips
from jaxfake.schema import Batch
from jaxfake.scoring.predict import Sweep, evaluation_keys, evenly_spaced, placed_batches
from jaxfake.train import rules

RECOVERY = ("input", "masked", "recovered", "error")
"""What the picture of a recovered face joins, from left to right."""


class Strip(NamedTuple):
    """One face: input | masked | recovered | error, or the input alone if nothing was recovered."""

    name: str  # dataset, method, video and frame
    score: float
    pixels: np.ndarray  # uint8 [H, 4 W, 3] or [H, W, 3]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the picture joins."""
        height, width = self.pixels.shape[:2]
        return ("input",) if width == height else RECOVERY


class _Shown(NamedTuple):
    score: jax.Array  # float32 [B]
    pixels: jax.Array  # uint8 [B, H, 4 W, 3] or [B, H, W, 3]


def choose_rows(dataset: FaceDataset, each: int) -> dict[str, np.ndarray]:
    """`each` rows of the reals and of each manipulation, evenly spaced over the split; reals first."""
    at = dataset.index
    chosen = {}
    real = np.flatnonzero(at.label == schema.REAL)
    if len(real):
        chosen[schema.REAL_METHOD] = evenly_spaced(real, each)
    for method in np.unique(at.method[at.label == schema.FAKE]).tolist():
        fake = np.flatnonzero((at.label == schema.FAKE) & (at.method == method))
        chosen[method] = evenly_spaced(fake, each)
    return chosen


def draw_strips(
    method: Method,
    params: Params,
    dataset: FaceDataset,
    chosen: Mapping[str, np.ndarray],
    sweep: Sweep,
) -> dict[str, list[Strip]]:
    """A strip for each chosen row, under the names of `choose_rows`."""

    def show(params: Params, batch: Batch) -> _Shown:
        prediction = method.predict(params, batch, evaluation_keys(sweep.seed, batch))
        image = batch[schema.IMAGE]
        recovered = prediction.recovered is not None
        pixels = recovery_strips(image, prediction) if recovered else image
        return _Shown(prediction.score, pixels)

    compiled = jax.jit(show, out_shardings=rules.replicated(sweep.mesh))
    rows = np.concatenate(list(chosen.values()))
    strips: list[Strip] = []
    for placed in placed_batches(dataset, rows, sweep, "pictures"):
        shown = jax.device_get(compiled(params, placed.batch))
        for n in range(placed.faces):
            name = dataset.name(int(rows[len(strips)]))
            strips.append(Strip(name, float(shown.score[n]), shown.pixels[n]))
    ends = np.cumsum([len(part) for part in chosen.values()])
    return {
        name: strips[end - len(part) : end]
        for (name, part), end in zip(chosen.items(), ends, strict=True)
    }
