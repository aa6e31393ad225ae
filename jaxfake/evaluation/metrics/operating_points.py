"""Metrics of decisions at thresholds: average precision, equal error rate, accuracy, TPR at a low FPR.

Equal scores are never separated by a threshold, so ties are treated alike.
"""

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.auc import roc_curve
from jaxfake.evaluation.metrics.undefined import Undefined

THRESHOLD = 0.5
"""A face or video with at least this P(fake) is called fake."""

MAX_FPR = 0.01
"""The largest false positive rate that `tpr_at_low_fpr` allows."""

EER_DEFINITION = (
    "the rate at which the false positive rate equals the false negative rate, on the ROC curve with "
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
    true_positives = curve.true_positive[1:] * n_fake
    false_positives = curve.false_positive[1:] * (len(labels) - n_fake)
    predicted = true_positives + false_positives
    return float((np.diff(curve.true_positive) * true_positives / predicted).sum())


def equal_error_rate(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """The error rate where both classes have the same, see `EER_DEFINITION`; 0..1, 0 is best.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    curve = roc_curve(labels, scores)
    if isinstance(curve, Undefined):
        return curve
    false_positive, false_negative = curve.false_positive, 1.0 - curve.true_positive
    surplus = false_positive - false_negative  # rises from -1 to 1 along the curve
    after = int(np.argmax(surplus >= 0))
    before = after - 1
    share = -surplus[before] / (surplus[after] - surplus[before])
    step = false_positive[after] - false_positive[before]
    return float(false_positive[before] + share * step)


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """Share of correct decisions at P(fake) >= 0.5; defined for one class too.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], P(fake).

    Raises:
        ValueError: a score is not a probability.
    """
    if not len(labels):
        return Undefined("there is no example")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("accuracy at 0.5 needs probabilities")
    return float(((scores >= THRESHOLD) == (labels == schema.FAKE)).mean())


def tpr_at_low_fpr(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """The highest true positive rate of any threshold whose false positive rate is at most 1 %.

    There is no interpolation: with fewer than 100 reals, none of them may be called fake.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    curve = roc_curve(labels, scores)
    if isinstance(curve, Undefined):
        return curve
    return float(curve.true_positive[curve.false_positive <= MAX_FPR].max())
