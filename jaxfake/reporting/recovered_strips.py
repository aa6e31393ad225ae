"""Strips of recovered faces: input, masked face, recovered face, error."""

from collections.abc import Mapping

import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import ScoringSettings, compiled_prediction, device_batches
from jaxfake.models.method import Method, Params
from jaxfake.models.recovery_pictures import recovery_strips
from jaxfake.reporting.strips import Strip, group_rows

COLUMNS = ("input", "masked", "recovered", "error")
"""What the strip of a recovered face shows, from left to right."""


def draw_strips(
    method: Method,
    params: Params,
    dataset: FaceDataset,
    chosen: Mapping[str, np.ndarray],
    scoring: ScoringSettings,
) -> dict[str, list[Strip]]:
    """The strip of each chosen row, by the names of `choose_rows`."""
    compiled = compiled_prediction(method, scoring.seed, scoring.mesh)
    rows = np.concatenate(list(chosen.values()))
    strips: list[Strip] = []
    for batch in device_batches(dataset, rows, scoring, "pictures"):
        predicted = compiled(params, batch.inputs)
        strip = _strips(batch.inputs[schema.IMAGE], predicted)
        pixels, score = jax.device_get((strip, predicted.score))
        for n in range(batch.faces):
            name = dataset.name(int(rows[len(strips)]))
            strips.append(Strip(name, float(score[n]), COLUMNS, pixels[n]))
    return group_rows(chosen, strips)


_strips = jax.jit(recovery_strips)
