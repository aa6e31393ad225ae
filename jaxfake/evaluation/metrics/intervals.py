"""95 % bootstrap intervals of means (percentiles; Efron, 1979).

Whole groups (videos or identities) are resampled, because frames of one video are not independent.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxfake.evaluation.metrics.undefined import Undefined


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn."""

    resamples: int
    seed: int


def mean_interval(
    values: np.ndarray, groups: np.ndarray, bootstrap: Bootstrap
) -> Interval | Undefined:
    """Interval of the mean of values, float [n]; their groups [n], such as identities, are resampled."""
    _, group = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(group, weights=values), np.bincount(group)
    if len(sums) < 2:
        return Undefined("at least two groups are needed to resample")
    times = _draws(np.random.default_rng(bootstrap.seed), len(sums), bootstrap.resamples)
    return _percentiles((times @ sums) / (times @ sizes))


def _draws(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """How often each of `size` groups is drawn in each of `count` resamples: float64 [count, size]."""
    drawn = rng.integers(size, size=(count, size)) + size * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size).astype(float)


def _percentiles(values: np.ndarray) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))
