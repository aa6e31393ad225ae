"""How far probabilities are from frequencies: the reliability curve, ECE and the Brier score.

All take weights, so that both classes can weigh the same whatever their share in a dataset.
"""

import dataclasses

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.undefined import Undefined

BINS = 15
"""Of equal width; the number that Guo et al. (2017) use."""


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """What is predicted and what happens, in each bin with examples, b of them.

    Attributes:
        predicted: float64 [b], mean P(fake).
        fakes: float64 [b], share of fakes.
        weight: float64 [b], of all examples; their sum is 1.
        count: int64 [b], examples.
    """

    predicted: np.ndarray
    fakes: np.ndarray
    weight: np.ndarray
    count: np.ndarray


def reliability(
    labels: np.ndarray, chances: np.ndarray, weights: np.ndarray | None = None
) -> Reliability:
    """The reliability curve, in `BINS` bins.

    Args:
        labels: int [n], 0 real, 1 fake.
        chances: float [n], P(fake), 0..1.
        weights: float [n]; None for the same weight for each.
    """
    weight = np.ones(len(labels)) if weights is None else weights
    place = np.minimum((chances * BINS).astype(np.int64), BINS - 1)
    count, total = np.bincount(place, minlength=BINS), np.bincount(place, weight, BINS)
    used = np.flatnonzero(total > 0)
    sums = (np.bincount(place, weight * values, BINS)[used] for values in (chances, labels))
    predicted, fakes = (some / total[used] for some in sums)
    return Reliability(predicted, fakes, total[used] / total.sum(), count[used])


def expected_calibration_error(
    labels: np.ndarray, chances: np.ndarray, weights: np.ndarray | None = None
) -> float | Undefined:
    """Mean distance between what is predicted and what happens (Naeini et al., 2015); 0 is best.

    The arguments are those of `reliability`.
    """
    if not len(labels):
        return Undefined("there is no example")
    curve = reliability(labels, chances, weights)
    return float(curve.weight @ np.abs(curve.predicted - curve.fakes))


def brier_score(
    labels: np.ndarray, chances: np.ndarray, weights: np.ndarray | None = None
) -> float | Undefined:
    """Mean squared distance between P(fake) and the label (Brier, 1950); 0 is best."""
    if not len(labels):
        return Undefined("there is no example")
    return float(np.average((chances - labels) ** 2, weights=weights))


def equal_class_weights(labels: np.ndarray) -> np.ndarray:
    """Weights of the examples, float64 [n], by which reals and fakes weigh the same and all together 1."""
    fakes = labels == schema.FAKE
    classes = max(1, int(fakes.any()) + int((~fakes).any()))
    return 1 / classes / np.where(fakes, max(1, fakes.sum()), max(1, (~fakes).sum()))
