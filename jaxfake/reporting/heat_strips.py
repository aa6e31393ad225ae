"""Heat maps as pictures: on the crop, and in the frame that the crop was taken from."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Protocol

import cv2
import jax
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import ScoringSettings, compiled_prediction, device_batches
from jaxfake.faces import align
from jaxfake.models.method import Method, Params
from jaxfake.models.pixels import to_picture
from jaxfake.reporting.strips import GREY, Strip, group_rows

_BRIGHTEST = 0.995
"""The quantile of all errors shown that has the brightest colour."""

_FACE_SHARE = 0.35
"""How much the face shines through its heat."""

_LINE = (90, 255, 90)

_MAX_WIDTH = 480
"""Width in pixels above which a frame is shown smaller."""


@dataclasses.dataclass(frozen=True)
class HeatScale:
    """How heat becomes colour; the same for all faces that are compared."""

    brightest: float  # heat with the brightest colour
    threshold: float | None  # where the line around the predicted area is drawn


@dataclasses.dataclass(frozen=True, eq=False)
class FaceHeat:
    """One face and what a method predicts for it, on the host."""

    row: int
    score: float
    image: np.ndarray  # uint8 [H, W, 3]
    mask: np.ndarray | None  # bool [H, W]; None if unknown
    recovered: np.ndarray | None  # uint8 [H, W, 3]
    heat: np.ndarray | None  # float32 [H, W]


class Heated(Protocol):
    """Anything with a heat map."""

    @property
    def heat(self) -> np.ndarray | None:
        """Float [H, W]; None without one."""


def predict_heat(
    method: Method, params: Params, dataset: FaceDataset, rows: np.ndarray, scoring: ScoringSettings
) -> list[FaceHeat]:
    """The predictions for the faces at `rows`, int64 [n], in that order."""
    compiled = compiled_prediction(method, scoring.seed, scoring.mesh)
    faces: list[FaceHeat] = []
    for batch in device_batches(dataset, rows, scoring, "heat maps"):
        predicted, given = compiled(params, batch.inputs), batch.examples
        if predicted.recovered is not None:
            predicted = predicted._replace(recovered=_pictures(predicted.recovered))
        predicted = jax.device_get(predicted)
        for n in range(batch.faces):
            known = given[schema.HAS_MASK][n]
            face = FaceHeat(
                row=int(given[schema.ROW][n]),
                score=float(predicted.score[n]),
                image=given[schema.IMAGE][n],
                mask=given[schema.FORGERY_MASK][n] > 0 if known else None,
                recovered=None if predicted.recovered is None else predicted.recovered[n],
                heat=None if predicted.heat is None else predicted.heat[n],
            )
            faces.append(face)
    return faces


_pictures = jax.jit(to_picture)


def heat_scale(faces: Iterable[Heated], threshold: float | None) -> HeatScale:
    """One scale for all faces: 0 to 1 if there is a threshold, else from 0 to nearly the largest error."""
    heats = [face.heat for face in faces if face.heat is not None]
    if threshold is not None or not heats:
        return HeatScale(1.0, threshold)
    return HeatScale(max(float(np.quantile(np.stack(heats), _BRIGHTEST)), 1e-6), None)


def heat_strips(
    dataset: FaceDataset, chosen: Mapping[str, np.ndarray], faces: list[FaceHeat], scale: HeatScale
) -> dict[str, list[Strip]]:
    """Strips of input, mask, recovered face and heat; the last two only where the method has them.

    Args:
        chosen: rows by the names of their groups.
        faces: those of these rows, in their order.
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
    return group_rows(chosen, strips)


def heat_picture(image: np.ndarray, heat: np.ndarray, scale: HeatScale) -> np.ndarray:
    """The picture in grey under the colours of its heat, from black through red to yellow.

    Args:
        image: uint8 [H, W, 3].
        heat: float [H, W], >= 0.
    """
    level = np.clip(heat / scale.brightest * 255, 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    picture = cv2.addWeighted(grey, _FACE_SHARE, colours, 1 - _FACE_SHARE, 0)
    if scale.threshold is not None:
        predicted = (heat >= scale.threshold).astype(np.uint8)
        outlines, _ = cv2.findContours(predicted, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, _LINE, 1)
    return picture


def frame_picture(
    frame: np.ndarray, heat: np.ndarray, matrix: np.ndarray, scale: HeatScale
) -> np.ndarray:
    """The frame with the heat of a crop at its place, at most `_MAX_WIDTH` pixels wide.

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
    scale_down = min(1.0, _MAX_WIDTH / width)
    smaller = (round(width * scale_down), max(round(height * scale_down), 1))
    return cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)


def _mask_picture(face: FaceHeat) -> np.ndarray:
    if face.mask is None:
        return np.full_like(face.image, GREY)
    return np.repeat(np.where(face.mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
