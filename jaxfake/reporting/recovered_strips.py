"""Recovered faces as pictures for the report: chosen by place in the split, never by their look."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import (
    ScoringSettings,
    evaluation_keys,
    evenly_spaced,
    placed_batches,
)
from jaxfake.models.method import Method, Params
from jaxfake.models.pictures import recovery_strips
from jaxfake.schema import Batch
from jaxfake.train import sharding

RECOVERY = ("input", "masked", "recovered", "error")
"""What the picture of a recovered face joins, from left to right."""


class Strip(NamedTuple):
    """Pictures of one face side by side."""

    name: str  # dataset, method, video and frame
    score: float
    columns: tuple[str, ...]  # what the k pictures are, from left to right
    pixels: np.ndarray  # uint8 [H, k W, 3]


class _Shown(NamedTuple):
    score: jax.Array  # float32 [B]
    pixels: jax.Array  # uint8 [B, H, 4 W, 3]


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
    scoring: ScoringSettings,
) -> dict[str, list[Strip]]:
    """A strip of the recovery for each chosen row, under the names of `choose_rows`."""

    def show(params: Params, batch: Batch) -> _Shown:
        prediction = method.predict(params, batch, evaluation_keys(scoring.seed, batch))
        return _Shown(prediction.score, recovery_strips(batch[schema.IMAGE], prediction))

    compiled = jax.jit(show, out_shardings=sharding.replicated(scoring.mesh))
    rows = np.concatenate(list(chosen.values()))
    strips: list[Strip] = []
    for placed in placed_batches(dataset, rows, scoring, "pictures"):
        shown = jax.device_get(compiled(params, placed.batch))
        for n in range(placed.faces):
            name = dataset.name(int(rows[len(strips)]))
            strips.append(Strip(name, float(shown.score[n]), RECOVERY, shown.pixels[n]))
    return by_name(chosen, strips)


def by_name[Each](chosen: Mapping[str, np.ndarray], each: Sequence[Each]) -> dict[str, list[Each]]:
    """What belongs to each row, in the order of all rows, under the names of the rows."""
    ends = np.cumsum([len(rows) for rows in chosen.values()])
    return {
        name: list(each[end - len(rows) : end])
        for (name, rows), end in zip(chosen.items(), ends, strict=True)
    }
