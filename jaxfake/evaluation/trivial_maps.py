"""Trivial heat maps that do not depend on the face: baselines that localisation must beat.

In aligned crops a fixed region does well, above all where the masks of a manipulation are boxes. The mean
mask and the box are made from the masks of the training fakes.
"""

import dataclasses
from pathlib import Path

import cv2
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.encoding import decode_mask
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded, write_atomically

MAX_MASKS = 2000
"""The mean mask is made of at most this many training fakes, evenly spaced."""

_LEVELS = 255

_MOST_BYTES = 2 * schema.MOST_SIDE**2
"""A PNG of the largest mask, even if it does not compress."""


@dataclasses.dataclass(frozen=True, eq=False)
class HeatMap:
    """A heat map with its threshold."""

    heat: np.ndarray  # float32 [H, W], >= 0
    threshold: float  # a pixel with at least this heat is predicted to be manipulated


def training_mask(train: FaceDataset) -> np.ndarray | None:
    """The mean mask of the training fakes, uint8 [H, W]; 255 where all are manipulated.

    None if no fake has a mask.
    """
    fakes = np.flatnonzero(train.index.label == schema.FAKE)
    total, masks = np.zeros((train.size, train.size), np.int64), 0
    for row in evenly_spaced_rows(fakes, MAX_MASKS).tolist():
        example = train[row]
        if example.has_mask:
            total += example.forgery_mask > 0
            masks += 1
    return np.rint(total * (_LEVELS / masks)).astype(np.uint8) if masks else None


def save(path: Path, mask: np.ndarray) -> None:
    """Writes the mean mask of a run as a picture."""
    write_atomically(path, cv2.imencode(".png", mask)[1].tobytes())


def load(path: Path, size: int) -> np.ndarray | None:
    """The mean mask of a run, uint8 [size, size]; None if there is none of this size.

    Raises:
        InputError: it is not a regular file, or too large.
    """
    try:
        mask = decode_mask(read_bounded(path, _MOST_BYTES))
    except FileNotFoundError:
        return None
    except InputError as error:
        raise InputError(f"{path} is damaged ({error}): delete it to go without it") from error
    return mask if mask.shape == (size, size) else None


def trivial_maps(size: int, mask: np.ndarray | None) -> dict[str, HeatMap]:
    """The trivial maps by name, for crops of `size` pixels.

    Args:
        mask: see `training_mask`; without it, the mean mask and the central box are left out.
    """
    maps = {
        "nothing": HeatMap(np.zeros((size, size), np.float32), 0.5),
        "everything": HeatMap(np.ones((size, size), np.float32), 0.5),
    }
    if mask is not None:
        mean = mask.astype(np.float32) / _LEVELS
        maps["mean training mask"] = HeatMap(mean, best_threshold(mask))
        maps["central box"] = HeatMap(central_box(size, float(mean.mean())), 0.5)
    return maps


def best_threshold(mask: np.ndarray) -> float:
    """The threshold of the mean mask, uint8 [H, W], with the highest pooled Dice on the training fakes.

    It follows from the mean mask alone, which says how often each predicted pixel is a true positive.
    """
    levels = np.arange(1, _LEVELS + 1)
    predicted = np.array([(mask >= level).sum() for level in levels])
    true_positives = (
        np.array([mask[mask >= level].sum(dtype=np.float64) for level in levels]) / _LEVELS
    )
    pooled = 2 * true_positives / np.maximum(predicted + mask.sum(dtype=np.float64) / _LEVELS, 1)
    return float((levels[int(np.argmax(pooled))] - 0.5) / _LEVELS)


def central_box(size: int, share: float) -> np.ndarray:
    """1 in a central square that covers about this share of the picture, else 0: float32."""
    box = np.zeros((size, size), np.float32)
    edge = round(size * (1 - share**0.5) / 2)
    box[edge : size - edge, edge : size - edge] = 1
    return box
