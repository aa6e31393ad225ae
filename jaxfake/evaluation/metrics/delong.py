"""How an AUC follows from each person's videos, and its variance from how much they differ.

DeLong, DeLong and Clarke-Pearson (1988) for independent videos; Obuchowski (1997) for clusters, here
people, whose videos depend on one another. With one video a person the two are the same.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxfake.evaluation.metrics.auc import is_fake
from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True, eq=False)
class PersonShares:
    """An AUC, and what each of p people adds to it or takes from it.

    Attributes:
        auc: 0..1.
        fakes: float64 [p], sum over a person's fakes of (share of all reals below it - auc), by all fakes.
        reals: float64 [p], sum over a person's reals of (share of all fakes above it - auc), by all reals.
        has_fakes: bool [p].
        has_reals: bool [p].
    """

    auc: float
    fakes: np.ndarray
    reals: np.ndarray
    has_fakes: np.ndarray
    has_reals: np.ndarray


def person_shares(
    labels: np.ndarray, scores: np.ndarray, people: np.ndarray
) -> PersonShares | Undefined:
    """The AUC by person; undefined if fewer than two people have reals, or fewer than two have fakes.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        people: int or str [n], who is shown.
    """
    from scipy.stats import rankdata  # takes half a second to import

    fake = is_fake(labels, scores)
    names, person = np.unique(people, return_inverse=True)
    has_fakes, has_reals = (np.isin(range(len(names)), person[some]) for some in (fake, ~fake))
    if has_fakes.sum() < 2 or has_reals.sum() < 2:
        have = f"{has_reals.sum()} have reals and {has_fakes.sum()} have fakes"
        return Undefined(f"two people of each class are needed, but {have}")
    ranks, n_fake, n_real = rankdata(scores), int(fake.sum()), int((~fake).sum())
    reals_below = (ranks[fake] - rankdata(scores[fake])) / n_real
    fakes_above = 1 - (ranks[~fake] - rankdata(scores[~fake])) / n_fake
    auc = float(reals_below.mean())
    return PersonShares(
        auc=auc,
        fakes=np.bincount(person[fake], reals_below - auc, len(names)) / n_fake,
        reals=np.bincount(person[~fake], fakes_above - auc, len(names)) / n_real,
        has_fakes=has_fakes,
        has_reals=has_reals,
    )


def mean_shares(trainings: Sequence[PersonShares]) -> PersonShares:
    """The mean AUC of several scores of the same videos, such as of the seeds of a method, by person."""
    first = trainings[0]
    return PersonShares(
        auc=float(np.mean([one.auc for one in trainings])),
        fakes=np.mean([one.fakes for one in trainings], axis=0),
        reals=np.mean([one.reals for one in trainings], axis=0),
        has_fakes=first.has_fakes,
        has_reals=first.has_reals,
    )


def auc_covariance(first: PersonShares, second: PersonShares) -> float:
    """Covariance of two AUCs of the same videos; the variance if both are the same."""
    fakes = _unbiased(first.has_fakes) * (first.fakes @ second.fakes)
    reals = _unbiased(first.has_reals) * (first.reals @ second.reals)
    across = first.fakes @ second.reals + first.reals @ second.fakes
    everyone = _unbiased(first.has_fakes | first.has_reals)
    return float(fakes + reals + everyone * across)


def _unbiased(counted: np.ndarray) -> float:
    return float(counted.sum() / (counted.sum() - 1))
