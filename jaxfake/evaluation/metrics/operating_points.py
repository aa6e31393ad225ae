"""How well scores decide at thresholds: average precision, equal error rate, accuracy, hits at few alarms.

A threshold never parts scores that are equal, so ties are counted as what they are: undecided.
"""

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.auc import Undefined, roc_curve

THRESHOLD = 0.5
"""From this P(fake) on, a face or video is called fake."""

MOST_ALARMS = 0.01
"""Share of reals that may be called fake, for `hits_at_few_alarms`."""

EER_DEFINITION = (
    "the rate at which as many reals are called fake as fakes are called real, on the ROC curve with "
    "straight lines between its points (one point per distinct score)"
)


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """Precision averaged over the steps of recall, without interpolation; 0..1, 1 is best.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    curve = roc_curve(labels, scores)
    if isinstance(curve, Undefined):
        return curve
    n_fake = (labels == schema.FAKE).sum()
    hits = curve.true_positive[1:] * n_fake
    alarms = curve.false_positive[1:] * (len(labels) - n_fake)
    return float((np.diff(curve.true_positive) * hits / (hits + alarms)).sum())


def equal_error_rate(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """The error rate of both classes at once, as in `EER_DEFINITION`; 0..1, 0 is best.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    curve = roc_curve(labels, scores)
    if isinstance(curve, Undefined):
        return curve
    alarms, misses = curve.false_positive, 1.0 - curve.true_positive
    surplus = alarms - misses  # rises from -1 to 1 at every point
    after = int(np.argmax(surplus >= 0))
    before = after - 1
    share = -surplus[before] / (surplus[after] - surplus[before])
    return float(alarms[before] + share * (alarms[after] - alarms[before]))


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """Share of right verdicts at P(fake) >= 0.5; one class is enough.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], P(fake).

    Raises:
        ValueError: a score is no probability.
    """
    if not len(labels):
        return Undefined("there is nothing to judge")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("accuracy at 0.5 needs probabilities")
    return float(((scores >= THRESHOLD) == (labels == schema.FAKE)).mean())


def hits_at_few_alarms(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """TPR at FPR 1 %: the most fakes found by any threshold that accuses at most 1 % of the reals.

    No interpolation: with fewer than 100 reals, not one may be accused.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    curve = roc_curve(labels, scores)
    if isinstance(curve, Undefined):
        return curve
    return float(curve.true_positive[curve.false_positive <= MOST_ALARMS].max())
