"""Strips of recovered faces: input, masked face, recovered face, error."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import ScoringSettings, device_batches, evaluation_keys
from jaxfake.models.method import Method, Params
from jaxfake.models.recovery_pictures import recovery_strips
from jaxfake.reporting.strips import Strip, group_rows
from jaxfake.schema import Batch
from jaxfake.train import sharding

COLUMNS = ("input", "masked", "recovered", "error")
"""What the strip of a recovered face shows, from left to right."""


class _Drawn(NamedTuple):
    score: jax.Array  # float32 [B]
    pixels: jax.Array  # uint8 [B, H, 4 W, 3]


def draw_strips(
    method: Method,
    params: Params,
    dataset: FaceDataset,
    chosen: Mapping[str, np.ndarray],
    scoring: ScoringSettings,
) -> dict[str, list[Strip]]:
    """The strip of each chosen row, by the names of `choose_rows`."""

    def draw(params: Params, batch: Batch) -> _Drawn:
        prediction = method.predict(params, batch, evaluation_keys(scoring.seed, batch))
        return _Drawn(prediction.score, recovery_strips(batch[schema.IMAGE], prediction))

    compiled = jax.jit(draw, out_shardings=sharding.replicated(scoring.mesh))
    rows = np.concatenate(list(chosen.values()))
    strips: list[Strip] = []
    for batch in device_batches(dataset, rows, scoring, "pictures"):
        drawn = jax.device_get(compiled(params, batch.inputs))
        for n in range(batch.faces):
            name = dataset.name(int(rows[len(strips)]))
            strips.append(Strip(name, float(drawn.score[n]), COLUMNS, drawn.pixels[n]))
    return group_rows(chosen, strips)
