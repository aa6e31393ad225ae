"""Compares the AUCs of two detectors on the same videos, for which people are the independent unit.

A detector may have been trained several times, with other seeds. Then its mean AUC is compared, and what is
uncertain is both who was filmed and how the trainings went: the variance over people (DeLong et al., 1988,
by person as Obuchowski, 1997) plus that over the seeds of each detector, with the degrees of freedom of
Satterthwaite (1946). With one training of each, the comparison is of these two trained states alone.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from jaxfake.evaluation.metrics.delong import (
    PersonShares,
    auc_covariance,
    mean_shares,
    person_shares,
)
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True)
class AucDifference:
    """The mean AUC of a first detector minus that of a second."""

    value: float  # -1..1
    ci95: Interval
    p_value: float  # two-sided, of no difference
    seeds_counted: bool  # whether the interval counts how trainings of a detector differ


def compare_aucs(
    labels: np.ndarray,
    first: np.ndarray | Sequence[np.ndarray],
    second: np.ndarray | Sequence[np.ndarray],
    people: np.ndarray,
) -> AucDifference | Undefined:
    """The difference with an interval and a test.

    Undefined if too few people have reals or fakes, or if the two order all videos alike.

    Args:
        labels: int [n], 0 real, 1 fake.
        first: float [n], finite, larger for fakes; or several such arrays, one for each training.
        second: the same for the other detector.
        people: int or str [n], who is shown; the video's name where that is not known.
    """
    one, other = (_by_person(labels, scores, people) for scores in (first, second))
    if isinstance(one, Undefined):
        return one
    if isinstance(other, Undefined):
        return other
    mean, mean_other = mean_shares(one), mean_shares(other)
    own = auc_covariance(mean, mean) + auc_covariance(mean_other, mean_other)
    over_people = own - 2 * auc_covariance(mean, mean_other)
    if over_people <= 1e-12 * own:
        return Undefined("both scores order all videos alike, or no video is misplaced by either")
    smaller = int(min(mean.has_fakes.sum(), mean.has_reals.sum()))
    seeds = [(_variance_of_mean(some), len(some) - 1) for some in (one, other) if len(some) > 1]
    return _difference(mean.auc - mean_other.auc, [(over_people, smaller - 1), *seeds])


def _by_person(
    labels: np.ndarray, scores: np.ndarray | Sequence[np.ndarray], people: np.ndarray
) -> list[PersonShares] | Undefined:
    trainings = [person_shares(labels, one, people) for one in np.atleast_2d(scores)]
    undefined = [one for one in trainings if isinstance(one, Undefined)]
    return undefined[0] if undefined else [o for o in trainings if isinstance(o, PersonShares)]


def _variance_of_mean(trainings: Sequence[PersonShares]) -> float:
    return float(np.var([one.auc for one in trainings], ddof=1)) / len(trainings)


def _difference(value: float, parts: Sequence[tuple[float, int]]) -> AucDifference:
    """From the parts of its variance, each with its degrees of freedom; the first is over people."""
    from scipy.stats import t

    error = math.sqrt(sum(variance for variance, _ in parts))
    freedom = error**4 / sum(variance**2 / degrees for variance, degrees in parts)
    half = float(t.ppf(0.975, freedom)) * error
    return AucDifference(
        value,
        Interval(max(-1.0, value - half), min(1.0, value + half)),
        float(2 * t.sf(abs(value) / error, freedom)),
        seeds_counted=len(parts) > 1,
    )
