"""Compares the AUCs of two scores of the same videos, for which people are the independent unit."""

import dataclasses
import math

import numpy as np

from jaxfake.evaluation.metrics.delong import auc_covariance, person_shares
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True)
class AucDifference:
    """The AUC of a first score minus that of a second."""

    value: float  # -1..1
    ci95: Interval
    p_value: float  # two-sided, of no difference


def compare_aucs(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, people: np.ndarray
) -> AucDifference | Undefined:
    """The difference with an interval and a test: DeLong et al. (1988), by person as Obuchowski (1997).

    Undefined if too few people have reals or fakes, or if the two order all videos alike.

    Args:
        labels: int [n], 0 real, 1 fake.
        first: float [n], finite, larger for fakes.
        second: float [n], the same for the other detector.
        people: int or str [n], who is shown; the video's name where that is not known.
    """
    from scipy.stats import t

    one, other = (person_shares(labels, scores, people) for scores in (first, second))
    if isinstance(one, Undefined):
        return one
    if isinstance(other, Undefined):
        return other
    own = auc_covariance(one, one) + auc_covariance(other, other)
    variance = own - 2 * auc_covariance(one, other)
    if variance <= 1e-12 * own:
        return Undefined("both scores order all videos alike, or no video is misplaced by either")
    error = math.sqrt(variance)
    freedom = int(min(one.has_fakes.sum(), one.has_reals.sum())) - 1
    difference, half = one.auc - other.auc, float(t.ppf(0.975, freedom)) * error
    return AucDifference(
        difference,
        Interval(max(-1.0, difference - half), min(1.0, difference + half)),
        float(2 * t.sf(abs(difference) / error, freedom)),
    )
