"""Resamples whole people, for the metrics of a ranking: AUC, AP, EER and TPR (Efron, 1979; percentiles).

A resample gives each person a weight, how often it was drawn. All metrics follow from the weighted ROC
curve over scores that were sorted once, so that a million scores take some 20 ms a resample.
"""

import bisect
import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from jaxfake.evaluation.metrics.auc import is_fake
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval
from jaxfake.evaluation.metrics.operating_points import MAX_FPR
from jaxfake.evaluation.metrics.undefined import Undefined

_FEWEST = 0.95
"""Share of the resamples that must have both classes; our choice."""


class RankingMetrics(NamedTuple):
    """The metrics of one ranking, as `auc` and `operating_points` define them."""

    auc: float
    ap: float
    eer: float
    tpr_at_low_fpr: float


_NONE = RankingMetrics(*[float("nan")] * len(RankingMetrics._fields))


@dataclasses.dataclass(frozen=True, eq=False)
class _Ranking:
    """Who is at which place, the highest score first; what does not change from resample to resample.

    Attributes:
        reals: int64 [r], the person of each real.
        fakes: int64 [f], the person of each fake.
        reals_above: int64 [f], how many reals have a higher score than each fake.
        reals_to: int64 [f], how many have a score as high or higher.
        fakes_to: int64 [f], the same of the fakes, itself among them.
        real_points: int64 [t], how many reals reach each distinct score.
        fake_points: int64 [t], how many fakes reach it.
    """

    reals: np.ndarray
    fakes: np.ndarray
    reals_above: np.ndarray
    reals_to: np.ndarray
    fakes_to: np.ndarray
    real_points: np.ndarray
    fake_points: np.ndarray


def ranking_intervals(
    labels: np.ndarray, scores: np.ndarray, people: np.ndarray, bootstrap: Bootstrap
) -> dict[str, Interval | Undefined]:
    """The 95 % interval of each metric, by the names of `RankingMetrics`.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        people: int or str [n], who is shown.
        bootstrap: how many resamples, and their seed.
    """
    resampled = resample(labels, scores, people, bootstrap)
    columns = zip(RankingMetrics._fields, resampled.T, strict=True)
    return {name: percentiles(values) for name, values in columns}


@dataclasses.dataclass(frozen=True, eq=False)
class RocBand:
    """Pointwise 95 % intervals of the true positive rate, at g false positive rates."""

    false_positive: np.ndarray  # float64 [g], from 0 to 1
    low: np.ndarray  # float64 [g]
    high: np.ndarray  # float64 [g]


def roc_band(
    labels: np.ndarray, scores: np.ndarray, people: np.ndarray, bootstrap: Bootstrap
) -> RocBand | Undefined:
    """The band of the ROC curve by resampled people; the arguments are those of `ranking_intervals`."""
    grid = np.linspace(0, 1, 101)

    def one(ranking: _Ranking, times: np.ndarray) -> np.ndarray:
        reals, fakes = _summed(times[ranking.reals]), _summed(times[ranking.fakes])
        if not reals[-1] or not fakes[-1]:
            return np.full(len(grid), np.nan)
        false = np.append(0.0, reals[ranking.real_points] / reals[-1])
        true = np.append(0.0, fakes[ranking.fake_points] / fakes[-1])
        return np.interp(grid, false, true)

    curves = _each_resample(labels, scores, people, bootstrap, one)
    known = curves[np.isfinite(curves).all(axis=1)]
    if len(known) < _FEWEST * len(curves):
        return Undefined("too many resamples of the people have one class alone")
    low, high = np.quantile(known, [0.025, 0.975], axis=0)
    return RocBand(grid, low, high)


def resample(
    labels: np.ndarray, scores: np.ndarray, people: np.ndarray, bootstrap: Bootstrap
) -> np.ndarray:
    """The metrics of each resample, float64 [resamples, 4]; NaN in a resample with one class alone.

    The same people are drawn for every score of the same videos, so that differences are paired. The
    numbers do not depend on how many threads compute them. The arguments are those of `ranking_intervals`.
    """
    return _each_resample(labels, scores, people, bootstrap, _metrics)


def _each_resample(
    labels: np.ndarray,
    scores: np.ndarray,
    people: np.ndarray,
    bootstrap: Bootstrap,
    measure: Callable[[_Ranking, np.ndarray], Sequence[float] | np.ndarray],
) -> np.ndarray:
    """What is measured of each resample, float64 [resamples, …], given how often each person is drawn."""
    ranking, count = _ranked(labels, scores, people)

    def one(seed: np.random.SeedSequence) -> Sequence[float] | np.ndarray:
        drawn = np.random.default_rng(seed).integers(count, size=count, dtype=np.int32)
        return measure(ranking, np.bincount(drawn, minlength=count).astype(np.float64))

    seeds = np.random.SeedSequence(bootstrap.seed).spawn(bootstrap.resamples)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return np.array(list(threads.map(one, seeds)), np.float64)


def _ranked(labels: np.ndarray, scores: np.ndarray, people: np.ndarray) -> tuple[_Ranking, int]:
    """The ranking, and how many people there are."""
    fake = is_fake(labels, scores)
    names, person = np.unique(people, return_inverse=True)
    falling = np.argsort(-scores, kind="stable")
    reals, fakes = falling[~fake[falling]], falling[fake[falling]]
    low_reals, low_fakes, points = -scores[reals], -scores[fakes], np.unique(-scores)
    return _Ranking(
        reals=person[reals],
        fakes=person[fakes],
        reals_above=np.searchsorted(low_reals, low_fakes, "left"),
        reals_to=np.searchsorted(low_reals, low_fakes, "right"),
        fakes_to=np.searchsorted(low_fakes, low_fakes, "right"),
        real_points=np.searchsorted(low_reals, points, "right"),
        fake_points=np.searchsorted(low_fakes, points, "right"),
    ), len(names)


def _metrics(ranking: _Ranking, times: np.ndarray) -> RankingMetrics:
    """The metrics where each person counts so many times, float64 [p]."""
    weight = times[ranking.fakes]
    reals, fakes = _summed(times[ranking.reals]), _summed(weight)
    if not reals[-1] or not fakes[-1]:
        return _NONE
    # In place from here on, since fresh arrays of this size cost more than what is computed in them.
    wrong, called = reals[ranking.reals_to], reals[ranking.reals_above]
    called += wrong
    below = _dot(weight, called) / 2  # a tie counts one half
    allowed = np.searchsorted(wrong, math.floor(MAX_FPR * reals[-1] + 1e-9), "right")
    right = np.take(fakes, ranking.fakes_to, out=called, mode="clip")
    wrong += right
    np.maximum(wrong, 1, out=wrong)
    right /= wrong
    return RankingMetrics(
        auc=float(1 - below / reals[-1] / fakes[-1]),
        ap=float(_dot(weight, right) / fakes[-1]),
        eer=_equal_error_rate(
            lambda n: reals[ranking.real_points[n]] / reals[-1],
            lambda n: fakes[ranking.fake_points[n]] / fakes[-1],
            len(ranking.real_points),
        ),
        tpr_at_low_fpr=float(fakes[allowed] / fakes[-1]),
    )


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """Their product, in this thread alone: BLAS would start threads beside those of the resamples."""
    return float(np.einsum("i,i", first, second))


def _summed(weight: np.ndarray) -> np.ndarray:
    """The sums of the first 0, 1, … n weights, float64 [n + 1]."""
    sums = np.zeros(len(weight) + 1)
    np.cumsum(weight, out=sums[1:])
    return sums


def _equal_error_rate(
    false_positive: Callable[[int], float], true_positive: Callable[[int], float], points: int
) -> float:
    """Where the curve through the origin and these points has as many false positives as negatives."""

    def rates(point: int) -> tuple[float, float]:
        return (0.0, 0.0) if point < 0 else (false_positive(point), true_positive(point))

    after = bisect.bisect_left(range(points), 1.0, key=lambda point: sum(rates(point)))
    before, at = rates(after - 1), rates(after)
    share = (1.0 - sum(before)) / (sum(at) - sum(before))
    return float(before[0] + share * (at[0] - before[0]))


def percentiles(values: np.ndarray) -> Interval | Undefined:
    """The 95 % interval of resampled values, float [resamples]; NaN where a resample has none."""
    known = values[np.isfinite(values)]
    if not len(values) or len(known) < _FEWEST * len(values):
        return Undefined("too many resamples of the people have one class alone")
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(low), float(high))
