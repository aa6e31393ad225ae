"""Heats as pictures: on the crop for the report, and on the frame that the crop was taken from."""

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import (
    ScoringSettings,
    at_crop_scale,
    evaluation_keys,
    placed_batches,
)
from jaxfake.faces import align
from jaxfake.models.method import Method, Params
from jaxfake.models.pixels import to_picture
from jaxfake.reporting.recovered_strips import Strip, by_name
from jaxfake.schema import Batch
from jaxfake.train import sharding

GREY = 128

_BRIGHTEST = 0.995
"""Of errors, this quantile of all pixels shown is the brightest colour; of probabilities, 1."""

_FACE_SHARE = 0.35
"""Of the face under its heat."""

_LINE = (90, 255, 90)

_WIDEST = 480
"""Frames are shown no wider than so many pixels."""


class HeatScale(NamedTuple):
    """How heats become colours; the same for all that are to be compared."""

    brightest: float
    threshold: float | None  # of the line around what is called touched


class Heated(NamedTuple):
    """One face and what a method makes of it, on the host."""

    row: int
    score: float
    image: np.ndarray  # uint8 [H, W, 3]
    mask: np.ndarray | None  # bool [H, W]; None if nobody knows it
    recovered: np.ndarray | None  # uint8 [H, W, 3]
    heat: np.ndarray | None  # float32 [H, W]


class _Shown(NamedTuple):
    score: jax.Array
    recovered: jax.Array | None
    heat: jax.Array | None


def heated_faces(
    method: Method, params: Params, dataset: FaceDataset, rows: np.ndarray, scoring: ScoringSettings
) -> list[Heated]:
    """The faces at `rows`, int64 [n], in that order."""

    def show(params: Params, batch: Batch) -> _Shown:
        said = method.predict(params, batch, evaluation_keys(scoring.seed, batch))
        recovered = None if said.recovered is None else to_picture(said.recovered)
        side = batch[schema.IMAGE].shape[1]
        heat = None if said.heat is None else at_crop_scale(said.heat, side)
        return _Shown(said.score, recovered, heat)

    compiled = jax.jit(show, out_shardings=sharding.replicated(scoring.mesh))
    faces: list[Heated] = []
    for placed in placed_batches(dataset, rows, scoring, "heat maps"):
        shown, given = jax.device_get(compiled(params, placed.batch)), placed.given
        for n in range(placed.faces):
            known = given[schema.HAS_MASK][n]
            face = Heated(
                row=int(given[schema.ROW][n]),
                score=float(shown.score[n]),
                image=given[schema.IMAGE][n],
                mask=given[schema.FORGERY_MASK][n] > 0 if known else None,
                recovered=None if shown.recovered is None else shown.recovered[n],
                heat=None if shown.heat is None else shown.heat[n],
            )
            faces.append(face)
    return faces


def heat_scale(faces: list[Heated], threshold: float | None) -> HeatScale:
    """One scale for these faces; a heat with a threshold is a probability."""
    heats = [face.heat for face in faces if face.heat is not None]
    if threshold is not None or not heats:
        return HeatScale(1.0, threshold)
    return HeatScale(max(float(np.quantile(np.stack(heats), _BRIGHTEST)), 1e-6), None)


def heat_strips(
    dataset: FaceDataset, chosen: Mapping[str, np.ndarray], faces: list[Heated], scale: HeatScale
) -> dict[str, list[Strip]]:
    """Input, mask, recovered face and heat, as far as there are any.

    Args:
        chosen: rows under the names of their groups.
        faces: of these rows, in their order.
    """
    strips = []
    for face in faces:
        pictures = {"input": face.image, "mask": _mask_picture(face)}
        if face.recovered is not None:
            pictures["recovered"] = face.recovered
        if face.heat is not None:
            pictures["heat"] = heat_picture(face.image, face.heat, scale)
        pixels = np.concatenate(list(pictures.values()), axis=1)
        strips.append(Strip(dataset.name(face.row), face.score, tuple(pictures), pixels))
    return by_name(chosen, strips)


def heat_picture(image: np.ndarray, heat: np.ndarray, scale: HeatScale) -> np.ndarray:
    """The picture in grey under the colours of its heat, from black over red to yellow.

    Args:
        image: uint8 [H, W, 3].
        heat: float [H, W], >= 0.
    """
    level = np.clip(heat / scale.brightest * 255, 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    picture = cv2.addWeighted(grey, _FACE_SHARE, colours, 1 - _FACE_SHARE, 0)
    if scale.threshold is not None:
        called = (heat >= scale.threshold).astype(np.uint8)
        outlines, _ = cv2.findContours(called, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, _LINE, 1)
    return picture


def frame_picture(
    frame: np.ndarray, heat: np.ndarray, matrix: np.ndarray, scale: HeatScale
) -> np.ndarray:
    """The frame with the heat of a crop at its place, at most `_WIDEST` pixels wide.

    Args:
        frame: uint8 [H, W, 3].
        heat: float32 [size, size], of the crop.
        matrix: float [2, 3], frame to crop.
    """
    height, width = frame.shape[:2]
    placed = align.place_in_frame(heat, matrix, height, width)
    inside = np.isfinite(placed)
    picture = np.where(
        inside[..., None], heat_picture(frame, np.where(inside, placed, 0.0), scale), frame
    )
    factor = min(1.0, _WIDEST / width)
    smaller = (round(width * factor), max(round(height * factor), 1))
    return cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)


def _mask_picture(face: Heated) -> np.ndarray:
    if face.mask is None:
        return np.full_like(face.image, GREY)
    return np.repeat(np.where(face.mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
