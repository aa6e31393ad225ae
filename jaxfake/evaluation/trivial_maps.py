"""Maps that look at no face: what a localisation must beat.

With aligned crops a fixed region does well, above all where the masks of a manipulation are boxes. The
mean mask and the box are made of the training fakes, so they know what a detector can know of a face
without seeing it.
"""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.predict import evenly_spaced
from jaxfake.runtime.files import write_atomically

MOST_MASKS = 2000
"""At most so many training fakes, evenly spaced, make the mean mask."""

_LEVELS = 255


class TouchMap(NamedTuple):
    """One map for all faces."""

    heat: np.ndarray  # float32 [H, W], >= 0
    threshold: float  # from which heat on a pixel is called touched


def training_mask(train: FaceDataset) -> np.ndarray | None:
    """How often each pixel of the training fakes with a mask is touched, uint8 [H, W]: 255 = always.

    None if there is no such fake.
    """
    fakes = np.flatnonzero(train.index.label == schema.FAKE)
    total, masks = np.zeros((train.size, train.size), np.int64), 0
    for row in evenly_spaced(fakes, MOST_MASKS).tolist():
        example = train[row]
        if example.has_mask:
            total += example.forgery_mask > 0
            masks += 1
    return np.rint(total * (_LEVELS / masks)).astype(np.uint8) if masks else None


def save(path: Path, mask: np.ndarray) -> None:
    """Keeps the mean mask of a run as a picture that a person can look at."""
    write_atomically(path, cv2.imencode(".png", mask)[1].tobytes())


def load(path: Path, size: int) -> np.ndarray | None:
    """The mean mask of a run, uint8 [size, size]; None if it keeps none that can be used."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    return mask if mask is not None and mask.shape == (size, size) else None


def trivial_maps(size: int, mask: np.ndarray | None) -> dict[str, TouchMap]:
    """The maps under their names, for crops of `size` pixels.

    Args:
        mask: see `training_mask`; without it there is neither a mean mask nor a central box.
    """
    maps = {
        "nothing": TouchMap(np.zeros((size, size), np.float32), 0.5),
        "everything": TouchMap(np.ones((size, size), np.float32), 0.5),
    }
    if mask is not None:
        mean = mask.astype(np.float32) / _LEVELS
        maps["mean training mask"] = TouchMap(mean, best_threshold(mask))
        maps["central box"] = TouchMap(central_box(size, float(mean.mean())), 0.5)
    return maps


def best_threshold(mask: np.ndarray) -> float:
    """The threshold of the mean mask uint8 [H, W] that is best on the training fakes themselves.

    Their pooled Dice follows from the mean mask alone: a pixel called touched hits as often as it is.
    """
    levels = np.arange(1, _LEVELS + 1)
    called = np.array([(mask >= level).sum() for level in levels])
    hits = np.array([mask[mask >= level].sum(dtype=np.float64) for level in levels]) / _LEVELS
    pooled = 2 * hits / np.maximum(called + mask.sum(dtype=np.float64) / _LEVELS, 1)
    return float((levels[int(np.argmax(pooled))] - 0.5) / _LEVELS)


def central_box(size: int, share: float) -> np.ndarray:
    """1 in a square in the middle that covers about that share of the picture, else 0: float32."""
    box = np.zeros((size, size), np.float32)
    edge = round(size * (1 - share**0.5) / 2)
    box[edge : size - edge, edge : size - edge] = 1
    return box
