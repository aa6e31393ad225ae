"""How well masked parts of real faces are recovered, beside baselines.

The error is the training loss: squared error in the scale -1..1, mean over the masked patches of one part.
The autoencoder and the baselines are measured by the same code on the same masks.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval, mean_interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import (
    ScoringSettings,
    device_batches,
    evaluation_keys,
)
from jaxfake.evaluation.recovery_baselines import in_network_scale, reconstructions
from jaxfake.evaluation.result_files import Provenance, json_fields, write_json
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES
from jaxfake.models.mae import recovered_patches
from jaxfake.models.method import Params
from jaxfake.models.part_passes import by_pass
from jaxfake.models.pixels import unpatchify
from jaxfake.models.recover import Recover
from jaxfake.models.recovery_pictures import enlarge
from jaxfake.runtime.progress import say
from jaxfake.schema import Batch
from jaxfake.train import sharding

AUTOENCODER = "autoencoder"
ALL_PARTS = "all parts"

MAX_FACES = 512
"""Of a larger split, this many faces are used, evenly spaced over its rows."""

_PEAK = 2.0  # of pixels in -1..1


@dataclasses.dataclass(frozen=True)
class PartError:
    """The error of one way of recovering one part."""

    error: float  # mean over the faces
    ci95: Interval | Undefined  # identities resampled
    psnr: float  # dB, of the mean error
    above_autoencoder: Interval | Undefined  # error minus the autoencoder's, face by face


@dataclasses.dataclass(frozen=True)
class RecoveryTable:
    """The errors of the autoencoder and of the baselines."""

    errors: dict[
        str, dict[str, PartError]
    ]  # the autoencoder first; of each part, then of ALL_PARTS
    faces: int
    faces_in_split: int
    identities: int
    masked_patches: int
    patches: int
    split: str


class _Recovered(NamedTuple):
    """A batch with each part masked once: K passes, in the order of `FACE_PARTS`."""

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
        recover: here it masks by parts, whatever mode it was trained with.
        rows: of real faces; at most `MAX_FACES` of them are used.
        mean: the mean face of the training reals, float32 [H, W, 3]; None leaves out the baselines that
            need it.
    """
    chosen = evenly_spaced_rows(rows, MAX_FACES)
    if len(chosen) < len(rows):
        say(f"recovery is measured on {len(chosen)} of {len(rows)} real faces, evenly spaced")
    by_part = dataclasses.replace(recover, mask=dataclasses.replace(recover.mask, mode="part"))
    passes = jax.jit(
        lambda params, batch: _recovered(by_part, params, batch, scoring.seed),
        out_shardings=sharding.replicated(scoring.mesh),
    )
    errors: list[dict[str, np.ndarray]] = []
    for batch in device_batches(dataset, chosen, scoring, "recovering"):
        recovered = jax.device_get(passes(params, batch.inputs))
        for n in range(batch.faces):
            face, hidden = recovered.face[:, n], recovered.hidden[:, n]
            errors.append(_face_errors(batch.examples[schema.IMAGE][n], face, hidden, mean))
    at = dataset.index
    identities = np.array([f"{at.dataset[row]}/{at.identity[row]}" for row in chosen])
    return RecoveryTable(
        errors=_errors(errors, identities, bootstrap),
        faces=len(chosen),
        faces_in_split=len(rows),
        identities=len(np.unique(identities)),
        masked_patches=recover.mask.count,
        patches=recover.mae.grid**2,
        split=dataset.split,
    )


def masked_error(recovered: np.ndarray, truth: np.ndarray, hidden: np.ndarray) -> float:
    """Squared error over the hidden pixels.

    All patches are of one size, so this equals the mean over the masked patches of their mean errors.

    Args:
        recovered: float [H, W, 3] in -1..1.
        truth: float [H, W, 3] in -1..1.
        hidden: bool [H, W].
    """
    difference = recovered[hidden].astype(np.float64) - truth[hidden]
    return float(np.square(difference).mean())


def write(path: Path, table: RecoveryTable, origin: Provenance) -> None:
    """Writes `recovery.json`."""
    counts = dataclasses.asdict(table)
    del counts["errors"]
    errors = {
        name: {part: _json(one) for part, one in row.items()} for name, row in table.errors.items()
    }
    error = "mean squared error over the masked pixels, scale -1..1, mean over faces"
    interval = "95 %, percentile bootstrap, identities resampled"
    definitions = {"error": error, "interval": interval}
    write_json(path, {**origin._asdict(), **counts, **definitions, "recovery": errors})


def _recovered(recover: Recover, params: Params, batch: Batch, seed: int) -> _Recovered:
    faces = recover.faces(batch)
    masked = recover.mask_each_part(faces, evaluation_keys(seed, batch))
    recovery = recover.autoencode(params, masked)
    grid = recover.mae.grid
    pictures = unpatchify(
        recovered_patches(masked.faces.patches, recovery, masked.mask), recover.mae.patch
    )
    hidden = enlarge(masked.mask.dropped.reshape(-1, grid, grid), recover.mae.image)
    return _Recovered(by_pass(pictures), by_pass(hidden))


def _face_errors(
    image: np.ndarray, recovered: np.ndarray, hidden: np.ndarray, mean: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Error [K] of each way of recovering one face: image [H, W, 3], recovered [K, H, W, 3]."""
    truth = in_network_scale(image)
    by_pass = []
    for face, where in zip(recovered, hidden, strict=True):
        faces = {AUTOENCODER: face} | reconstructions(image, where, mean)
        by_pass.append({name: masked_error(faces[name], truth, where) for name in faces})
    return {name: np.array([one[name] for one in by_pass]) for name in by_pass[0]}


def _errors(
    errors: list[dict[str, np.ndarray]], identities: np.ndarray, bootstrap: Bootstrap
) -> dict[str, dict[str, PartError]]:
    names = [*(PART_NAMES[part] for part in FACE_PARTS), ALL_PARTS]

    def columns(method: str) -> np.ndarray:  # [n, K + 1]
        each = np.stack([one[method] for one in errors])
        return np.concatenate([each, each.mean(1, keepdims=True)], axis=1)

    ours = columns(AUTOENCODER)

    def part_error(values: np.ndarray, reference: np.ndarray) -> PartError:
        error = float(values.mean())
        return PartError(
            error=error,
            ci95=mean_interval(values, identities, bootstrap),
            psnr=10 * math.log10(_PEAK**2 / max(error, 1e-12)),
            above_autoencoder=mean_interval(values - reference, identities, bootstrap),
        )

    return {
        method: {
            name: part_error(columns(method)[:, k], ours[:, k]) for k, name in enumerate(names)
        }
        for method in errors[0]
    }


def _json(error: PartError) -> dict[str, Any]:
    return {
        "error": error.error,
        **json_fields("ci95", error.ci95),
        "psnr": error.psnr,
        **json_fields("above_autoencoder_ci95", error.above_autoencoder),
    }
