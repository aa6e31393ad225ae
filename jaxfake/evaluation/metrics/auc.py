"""The ROC curve and the area under it. With one class only, both are `Undefined`."""

import dataclasses

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True, eq=False)
class RocCurve:
    """Rates at each threshold, from 'nothing is called fake' to 'everything is called fake'."""

    false_positive: np.ndarray  # float64 [t], share of reals called fake
    true_positive: np.ndarray  # float64 [t], share of fakes called fake
    threshold: np.ndarray  # float64 [t], falling; a score >= threshold is called fake


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """Area under the ROC curve; ties count one half (Mann and Whitney, 1947).

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    # Imported here because it takes half a second, which a restarted training need not wait for.
    from scipy.stats import rankdata

    fake = is_fake(labels, scores)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    if not n_fake or not n_real:
        return _one_class(n_real, n_fake)
    ranks = rankdata(scores)
    larger = ranks[fake].sum() - n_fake * (n_fake + 1) / 2  # pairs in which the fake scores higher
    return float(larger / (n_fake * n_real))


def roc_curve(labels: np.ndarray, scores: np.ndarray) -> RocCurve | Undefined:
    """The points of the ROC curve: the origin, and one for each distinct score."""
    fake = is_fake(labels, scores)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    if not n_fake or not n_real:
        return _one_class(n_real, n_fake)
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true_positives = np.cumsum(fake[order])[last_of_tie]
    false_positives = last_of_tie + 1 - true_positives
    return RocCurve(
        false_positive=np.append(0.0, false_positives / n_real),
        true_positive=np.append(0.0, true_positives / n_fake),
        threshold=np.append(np.inf, scores[order][last_of_tie]),
    )


def is_fake(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Which examples are fake, bool [n].

    Raises:
        ValueError: a label is not 0 or 1, or a score is not finite.
    """
    if not np.isin(labels, (schema.REAL, schema.FAKE)).all():
        raise ValueError("labels must be 0 or 1; leave unknown ones out")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    return labels == schema.FAKE


def _one_class(n_real: int, n_fake: int) -> Undefined:
    return Undefined(f"both classes are needed, but there are {n_real} reals and {n_fake} fakes")
