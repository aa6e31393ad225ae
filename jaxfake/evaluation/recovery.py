"""How well masked parts of real faces are recovered, beside what anyone could fill them with.

The error is the training loss: squared error in the -1..1 scale, mean over the masked patches of one
part. The autoencoder and all baselines go through the same lines on the same masks.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.baselines import fillings, in_network_scale
from jaxfake.evaluation.metrics.auc import Bootstrap, Interval, Undefined, mean_interval
from jaxfake.evaluation.predict import (
    ScoringSettings,
    evaluation_keys,
    evenly_spaced,
    placed_batches,
)
from jaxfake.evaluation.result_files import Provenance, json_fields, write_json
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES
from jaxfake.models.mae import recovered_patches
from jaxfake.models.method import Params
from jaxfake.models.passes import by_pass, mask_each_part
from jaxfake.models.pictures import enlarge
from jaxfake.models.pixels import unpatchify
from jaxfake.models.recover import Recover
from jaxfake.runtime.progress import say
from jaxfake.schema import Batch
from jaxfake.train import sharding

AUTOENCODER = "autoencoder"
ALL_PARTS = "all parts"

MOST_FACES = 512
"""A bigger split is measured on so many faces, evenly spaced over its rows."""

_PEAK = 2.0  # of pixels in -1..1


class Cell(NamedTuple):
    """One way of filling one part."""

    error: float  # mean over the faces
    ci95: Interval | Undefined  # identities resampled
    psnr: float  # dB, of the mean error
    above_autoencoder: Interval | Undefined  # 95 %, of error minus autoencoder's, face by face


class RecoveryTable(NamedTuple):
    """Errors by filling, then by part."""

    cells: dict[str, dict[str, Cell]]  # the autoencoder first; parts, then ALL_PARTS
    faces: int
    faces_in_split: int
    identities: int
    masked_patches: int
    patches: int
    split: str


class _Recovered(NamedTuple):
    """A batch with each part masked once; K passes, in the order of `FACE_PARTS`."""

    face: jax.Array  # float32 [K, B, H, W, 3] in -1..1
    hidden: jax.Array  # bool [K, B, H, W]


def measure(
    recover: Recover,
    params: Params,
    dataset: FaceDataset,
    rows: np.ndarray,
    mean: np.ndarray | None,
    scoring: ScoringSettings,
    bootstrap: Bootstrap,
) -> RecoveryTable:
    """Errors of the autoencoder and of the baselines on real faces.

    Args:
        recover: masks by parts here, whatever mode it was trained with.
        rows: of real faces; at most `MOST_FACES` of them are used.
        mean: the mean face of the training reals, float32 [H, W, 3]; None leaves out what needs it.
    """
    chosen = evenly_spaced(rows, MOST_FACES)
    if len(chosen) < len(rows):
        say(f"recovery is measured on {len(chosen)} of {len(rows)} real faces, evenly spaced")
    by_part = dataclasses.replace(recover, mask=dataclasses.replace(recover.mask, mode="part"))
    passes = jax.jit(
        lambda params, batch: _recovered(by_part, params, batch, scoring.seed),
        out_shardings=sharding.replicated(scoring.mesh),
    )
    errors: list[dict[str, np.ndarray]] = []
    for placed in placed_batches(dataset, chosen, scoring, "recovering"):
        recovered = jax.device_get(passes(params, placed.batch))
        for n in range(placed.faces):
            face, hidden = recovered.face[:, n], recovered.hidden[:, n]
            errors.append(_face_errors(placed.given[schema.IMAGE][n], face, hidden, mean))
    at = dataset.index
    people = np.array([f"{at.dataset[row]}/{at.identity[row]}" for row in chosen])
    return RecoveryTable(
        cells=_cells(errors, people, bootstrap),
        faces=len(chosen),
        faces_in_split=len(rows),
        identities=len(np.unique(people)),
        masked_patches=recover.mask.count,
        patches=recover.mae.grid**2,
        split=dataset.split,
    )


def masked_error(filled: np.ndarray, truth: np.ndarray, hidden: np.ndarray) -> float:
    """Squared error over the hidden pixels.

    Equal to the mean over the masked patches of each patch's mean, since patches are of one size.

    Args:
        filled: float [H, W, 3] in -1..1.
        truth: float [H, W, 3] in -1..1.
        hidden: bool [H, W].
    """
    difference = filled[hidden].astype(np.float64) - truth[hidden]
    return float(np.square(difference).mean())


def in_words(table: RecoveryTable) -> str:
    """A table for a terminal: error (PSNR) by part."""
    parts = list(next(iter(table.cells.values())))
    lines = [f"{'masked error (PSNR, dB)':26}" + "".join(f"{part:>18}" for part in parts)]
    for name, cells in table.cells.items():
        row = "".join(f"{f'{cells[p].error:.4f} ({cells[p].psnr:.1f})':>18}" for p in parts)
        lines.append(f"{name:26}{row}")
    return "\n".join(lines)


def write(path: Path, table: RecoveryTable, origin: Provenance) -> None:
    """Writes `recovery.json`."""
    counts = {k: v for k, v in table._asdict().items() if k != "cells"}
    cells = {
        name: {part: _cell_json(cell) for part, cell in row.items()}
        for name, row in table.cells.items()
    }
    error = "mean squared error over the masked pixels, scale -1..1, mean over faces"
    interval = "95 %, percentile bootstrap, identities resampled"
    words = {"error": error, "interval": interval}
    write_json(path, {**origin._asdict(), **counts, **words, "recovery": cells})


def _recovered(recover: Recover, params: Params, batch: Batch, seed: int) -> _Recovered:
    faces = recover.faces(batch)
    masked = mask_each_part(recover.mask, faces, evaluation_keys(seed, batch))
    recovery = recover.recover(params, masked.faces.image, masked.mask)
    grid = recover.mae.grid
    pictures = unpatchify(
        recovered_patches(masked.faces.patches, recovery, masked.mask), recover.mae.patch
    )
    hidden = enlarge(masked.mask.dropped.reshape(-1, grid, grid), recover.mae.image)
    return _Recovered(by_pass(pictures), by_pass(hidden))


def _face_errors(
    image: np.ndarray, recovered: np.ndarray, hidden: np.ndarray, mean: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Error [K] of each filling of one face: image [H, W, 3], recovered [K, H, W, 3]."""
    truth = in_network_scale(image)
    by_pass = []
    for face, where in zip(recovered, hidden, strict=True):
        filled = {AUTOENCODER: face} | fillings(image, where, mean)
        by_pass.append({name: masked_error(filled[name], truth, where) for name in filled})
    return {name: np.array([one[name] for one in by_pass]) for name in by_pass[0]}


def _cells(
    errors: list[dict[str, np.ndarray]], people: np.ndarray, bootstrap: Bootstrap
) -> dict[str, dict[str, Cell]]:
    names = [*(PART_NAMES[part] for part in FACE_PARTS), ALL_PARTS]

    def columns(filling: str) -> np.ndarray:  # [n, K + 1]
        each = np.stack([one[filling] for one in errors])
        return np.concatenate([each, each.mean(1, keepdims=True)], axis=1)

    ours = columns(AUTOENCODER)

    def cell(values: np.ndarray, reference: np.ndarray) -> Cell:
        error = float(values.mean())
        return Cell(
            error=error,
            ci95=mean_interval(values, people, bootstrap),
            psnr=10 * math.log10(_PEAK**2 / max(error, 1e-12)),
            above_autoencoder=mean_interval(values - reference, people, bootstrap),
        )

    return {
        filling: {name: cell(columns(filling)[:, k], ours[:, k]) for k, name in enumerate(names)}
        for filling in errors[0]
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {
        "error": cell.error,
        **json_fields("ci95", cell.ci95),
        "psnr": cell.psnr,
        **json_fields("above_autoencoder_ci95", cell.above_autoencoder),
    }
