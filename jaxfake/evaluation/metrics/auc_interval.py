"""A 95 % interval of the AUC that covers the truth for few people too, and when nothing is wrong.

A percentile bootstrap of perfectly separated scores is 1 to 1, however few there are. Newcombe's
interval (2006, method 5) is instead all areas A that the measured one does not contradict:
(measured - A)^2 <= t^2 V(A), where V is the variance of an area between the exponential scores of so many
people.

Two changes are ours. V is scaled by how much people really differ (`delong`), as far as there are enough
errors to know that: without any error the scale is 1, one independent video a person, and the lower bound
follows from the number of people alone. And t is Student's, for the smaller class. A test simulates the
coverage.
"""

import dataclasses
import math

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.auc import roc_auc
from jaxfake.evaluation.metrics.delong import PersonShares, auc_covariance, person_shares
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined

METHOD = (
    "95 %, people as the independent unit: Newcombe's score interval (2006, method 5), its variance scaled "
    "by that over people (Obuchowski, 1997), with Student's t"
)

FEW_PEOPLE = 20
"""With fewer people in a class an interval is shown, and called rough; our choice."""

_ERRORS_TO_KNOW = 0.25
"""Misplaced people for which the measured variance counts as much as the prior one; our choice."""

_EDGE = 1e-9


@dataclasses.dataclass(frozen=True)
class Auc:
    """An area under the ROC curve with its interval and counts."""

    value: float | Undefined  # 0..1; 0.5 is chance
    ci95: Interval | Undefined
    n_real: int
    n_fake: int
    people_real: int  # how many people the reals show
    people_fake: int


def measure_auc(labels: np.ndarray, scores: np.ndarray, people: np.ndarray) -> Auc:
    """The AUC with its interval.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        people: int or str [n], who is shown; the video's name where that is not known.
    """
    fake = labels == schema.FAKE
    return Auc(
        value=roc_auc(labels, scores),
        ci95=_interval(person_shares(labels, scores, people)),
        n_real=int((~fake).sum()),
        n_fake=int(fake.sum()),
        people_real=len(np.unique(people[~fake])),
        people_fake=len(np.unique(people[fake])),
    )


def _interval(shares: PersonShares | Undefined) -> Interval | Undefined:
    from scipy.stats import t

    if isinstance(shares, Undefined):
        return shares
    smaller = min(shares.has_fakes.sum(), shares.has_reals.sum())
    squared = float(t.ppf(0.975, smaller - 1)) ** 2 * _scale(shares)
    return Interval(
        1.0 - _upper_bound(1.0 - shares.auc, squared, shares),
        _upper_bound(shares.auc, squared, shares),
    )


def _scale(shares: PersonShares) -> float:
    """How many times larger the variance over people is than `_variance`; towards 1 with few errors."""
    edge = min(max(shares.auc, _EDGE), 1 - _EDGE)
    measured = auc_covariance(shares, shares) / _variance(edge, shares)
    errors = min(shares.auc, 1 - shares.auc) * min(shares.has_fakes.sum(), shares.has_reals.sum())
    weight = errors / (errors + _ERRORS_TO_KNOW)
    return math.exp(weight * math.log(max(measured, 1e-3))) if weight else 1.0


def _variance(auc: float, shares: PersonShares) -> float:
    """Newcombe's V: of the area between exponential scores of independent people; 0 at 0 and 1."""
    n_fake, n_real = shares.has_fakes.sum(), shares.has_reals.sum()
    others = (n_fake + n_real) / 2 - 1
    spread = 1 + others * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return float(auc * (1 - auc) * spread / (n_fake * n_real))


def _upper_bound(auc: float, squared: float, shares: PersonShares) -> float:
    """The largest area that a measured one does not contradict; as V(A) = V(1 - A), for both ends."""
    from scipy.optimize import brentq

    if auc >= 1 - _EDGE:
        return 1.0
    return float(
        brentq(lambda a: (a - auc) ** 2 - squared * _variance(a, shares), max(auc, _EDGE), 1.0)
    )
