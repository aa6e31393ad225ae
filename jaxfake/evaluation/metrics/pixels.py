"""Metrics of a predicted manipulation mask against the true one.

IoU, Dice (the F1 score of the pixels) and PBCA, the pixel-wise binary classification accuracy (Dang et
al., 2020), follow from the confusion counts. The pixel AUC follows from two histograms of the heat map in
half precision, whose steps are at most 1 in 2,048 of the value; histograms of any number of faces can be
added up.
"""

from typing import NamedTuple

import numpy as np

LEVELS = 0x7C00 + 1
"""How many numbers of half precision are not negative."""


class PixelCounts(NamedTuple):
    """The confusion matrix of the pixels, int64 of one shape each; positive means manipulated."""

    true_positives: np.ndarray
    false_positives: np.ndarray
    false_negatives: np.ndarray
    true_negatives: np.ndarray

    @property
    def positives(self) -> np.ndarray:
        """Pixels that are manipulated."""
        return self.true_positives + self.false_negatives

    @property
    def pixels(self) -> np.ndarray:
        """All pixels."""
        return self.positives + self.false_positives + self.true_negatives


def count(predicted: np.ndarray, mask: np.ndarray) -> PixelCounts:
    """The counts of one face.

    Args:
        predicted: bool [H, W].
        mask: bool [H, W], true where the face is manipulated.
    """
    true_positives = (predicted & mask).sum()
    false_positives = predicted.sum() - true_positives
    false_negatives = mask.sum() - true_positives
    negatives = predicted.size - true_positives - false_positives - false_negatives
    return PixelCounts(true_positives, false_positives, false_negatives, negatives)


def pool(counts: PixelCounts) -> PixelCounts:
    """All faces as one picture."""
    return PixelCounts(*(part.sum(keepdims=True) for part in counts))


def dice(counts: PixelCounts) -> np.ndarray:
    """2 TP / (2 TP + FP + FN); NaN where nothing is manipulated and nothing is predicted."""
    wrong = counts.false_positives + counts.false_negatives
    return _share(2 * counts.true_positives, 2 * counts.true_positives + wrong)


def iou(counts: PixelCounts) -> np.ndarray:
    """TP / (TP + FP + FN); NaN where nothing is manipulated and nothing is predicted."""
    return _share(counts.true_positives, counts.positives + counts.false_positives)


def pbca(counts: PixelCounts) -> np.ndarray:
    """Share of the pixels that are classified correctly."""
    return _share(counts.true_positives + counts.true_negatives, counts.pixels)


def predicted_area(counts: PixelCounts) -> np.ndarray:
    """Share of the pixels that are predicted to be manipulated."""
    return _share(counts.true_positives + counts.false_positives, counts.pixels)


def histograms(heat: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How often each level of the heat occurs in a face: int64 [2, LEVELS], pristine pixels first.

    Args:
        heat: float [H, W], >= 0.
        mask: bool [H, W], true where the face is manipulated.
    """
    level = levels(heat)
    return np.stack([np.bincount(level[mask == kind], minlength=LEVELS) for kind in (False, True)])


def levels(heat: np.ndarray) -> np.ndarray:
    """The rank of each heat among the numbers of half precision, uint16; it grows with the heat."""
    largest = np.finfo(np.float16).max
    return np.abs(np.minimum(heat, largest).astype(np.float16)).view(np.uint16)


def histogram_auc(counts: np.ndarray) -> float:
    """Area under the ROC curve of `histograms`; a tie is one half; NaN if one kind of pixel is absent."""
    pristine, manipulated = counts.astype(np.float64)
    below = np.cumsum(pristine) - pristine
    pairs = pristine.sum() * manipulated.sum()
    return float((manipulated * (below + pristine / 2)).sum() / pairs) if pairs else float("nan")


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
