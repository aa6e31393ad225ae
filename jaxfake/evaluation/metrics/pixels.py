"""Pixels called touched against those that were: what every localisation metric is made of.

IoU, Dice (F1 of the pixels) and PBCA, the pixel-wise binary classification accuracy (Dang et al.,
2020), follow from four counts. The pixel AUC follows from two histograms of the heat in half
precision, which is fine where the heat is small and never coarser than 1 in 2,048: so it can be pooled
over any number of faces.
"""

from typing import NamedTuple

import numpy as np

LEVELS = 0x7C00 + 1
"""Numbers of half precision that are not negative."""


class Counts(NamedTuple):
    """Pixels by what they were called and what they are, int64 of one shape each."""

    hits: np.ndarray  # called touched, and are
    alarms: np.ndarray  # called touched, and are not
    misses: np.ndarray  # not called touched, but are
    quiet: np.ndarray  # neither


def count(called: np.ndarray, touched: np.ndarray) -> Counts:
    """Counts of one face, bool [H, W] twice."""
    hits, of_called, of_touched = (called & touched).sum(), called.sum(), touched.sum()
    alarms, misses = of_called - hits, of_touched - hits
    return Counts(hits, alarms, misses, called.size - hits - alarms - misses)


def pool(counts: Counts) -> Counts:
    """All faces as one picture."""
    return Counts(*(part.sum(keepdims=True) for part in counts))


def dice(counts: Counts) -> np.ndarray:
    """Twice the hits over all pixels called and all touched; NaN where there is neither."""
    return _share(2 * counts.hits, 2 * counts.hits + counts.alarms + counts.misses)


def iou(counts: Counts) -> np.ndarray:
    """Hits over the pixels that are called or touched; NaN where there is neither."""
    return _share(counts.hits, counts.hits + counts.alarms + counts.misses)


def pbca(counts: Counts) -> np.ndarray:
    """Share of the pixels that were called what they are."""
    return _share(counts.hits + counts.quiet, _all(counts))


def area_called(counts: Counts) -> np.ndarray:
    """Share of the pixels that were called touched."""
    return _share(counts.hits + counts.alarms, _all(counts))


def histograms(heat: np.ndarray, touched: np.ndarray) -> np.ndarray:
    """How often each level of the heat occurs among the pixels of a face: int64 [2, LEVELS].

    Args:
        heat: float [H, W], >= 0.
        touched: bool [H, W]; the first row of the result is of the others.
    """
    level = levels(heat)
    return np.stack(
        [np.bincount(level[touched == kind], minlength=LEVELS) for kind in (False, True)]
    )


def levels(heat: np.ndarray) -> np.ndarray:
    """The place of each heat among the numbers of half precision, uint16: larger for larger ones."""
    highest = np.finfo(np.float16).max
    return np.abs(np.minimum(heat, highest).astype(np.float16)).view(np.uint16)


def histogram_auc(counts: np.ndarray) -> float:
    """Area under the ROC curve of int64 [2, LEVELS]; a tie is one half; NaN for pixels of one kind."""
    others, touched = counts.astype(np.float64)
    below = np.cumsum(others) - others
    pairs = others.sum() * touched.sum()
    return float((touched * (below + others / 2)).sum() / pairs) if pairs else float("nan")


def _all(counts: Counts) -> np.ndarray:
    return counts.hits + counts.alarms + counts.misses + counts.quiet


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
