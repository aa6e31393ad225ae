"""95 % bootstrap intervals (percentiles; Efron, 1979), of means and of areas under the ROC curve.

Whole groups (videos or identities) are resampled, because frames of one video are not independent.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.auc import is_fake, roc_auc
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


@dataclasses.dataclass(frozen=True)
class Auc:
    """An area under the ROC curve with its interval and counts."""

    value: float | Undefined  # 0..1; 0.5 is chance
    ci95: Interval | Undefined
    n_real: int
    n_fake: int


@dataclasses.dataclass(frozen=True, eq=False)
class RankedPairs:
    """All pairs of a fake and a real face, counted by group (video or identity).

    Attributes:
        fake_higher: float64 [gf, gr], pairs in which the fake scores higher; a tie is one half.
        fake_faces: int64 [gf], faces of each group.
        real_faces: int64 [gr], the same.
    """

    fake_higher: np.ndarray
    fake_faces: np.ndarray
    real_faces: np.ndarray


def measure_auc(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, bootstrap: Bootstrap
) -> Auc:
    """The AUC with its interval, for which videos are resampled.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        groups: int [n], the video of each example; all examples of one video have the same label.
    """
    fake = labels == schema.FAKE
    return Auc(
        value=roc_auc(labels, scores),
        ci95=_auc_interval(fake, scores, groups, bootstrap),
        n_real=int((~fake).sum()),
        n_fake=int(fake.sum()),
    )


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


def identity_interval(
    labels: np.ndarray, scores: np.ndarray, identities: np.ndarray, bootstrap: Bootstrap
) -> Interval | Undefined:
    """Interval of the AUC when identities are resampled, each with all its reals and fakes.

    Resamples with one class only have no AUC and are left out.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        identities: int or str [n], the person that each example shows.
    """
    fake = is_fake(labels, scores)
    names, person = np.unique(identities, return_inverse=True)
    with_fakes, with_reals = np.unique(person[fake]), np.unique(person[~fake])
    if len(with_fakes) < 2 or len(with_reals) < 2:
        have = f"{len(with_reals)} have reals and {len(with_fakes)} have fakes"
        return Undefined(f"two identities of each class are needed, but {have}")
    times = _draws(np.random.default_rng(bootstrap.seed), len(names), bootstrap.resamples)
    fake_times, real_times = times[:, with_fakes], times[:, with_reals]
    whole = fake_times.any(1) & real_times.any(1)
    if not whole.any():
        return Undefined("no resample of the identities has both classes")
    pairs = rank_pairs(fake, scores, person)
    return _percentiles(weighted_auc(pairs, fake_times[whole], real_times[whole]))


def _auc_interval(
    fake: np.ndarray, scores: np.ndarray, groups: np.ndarray, bootstrap: Bootstrap
) -> Interval | Undefined:
    """Interval of the AUC; videos are resampled within each class, so that both stay present."""
    pairs = rank_pairs(fake, scores, groups)
    n_fake, n_real = pairs.fake_higher.shape
    if n_fake < 2 or n_real < 2:
        return Undefined(
            f"two videos of each class are needed, but there are {n_real} and {n_fake}"
        )
    rng = np.random.default_rng(bootstrap.seed)
    fake_times = _draws(rng, n_fake, bootstrap.resamples)
    real_times = _draws(rng, n_real, bootstrap.resamples)
    return _percentiles(weighted_auc(pairs, fake_times, real_times))


def rank_pairs(fake: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> RankedPairs:
    """Compares the score of every fake face with that of every real face.

    Args:
        fake: bool [n].
        scores: float [n].
        groups: int [n], the video or the identity of each face.
    """
    _, fake_group, fake_faces = np.unique(groups[fake], return_inverse=True, return_counts=True)
    _, real_group, real_faces = np.unique(groups[~fake], return_inverse=True, return_counts=True)
    fakes, reals = scores[fake], scores[~fake]
    fake_higher = np.empty((len(fake_faces), len(real_faces)))
    for group in range(len(real_faces)):
        own = np.sort(reals[real_group == group])
        twice = np.searchsorted(own, fakes, "left") + np.searchsorted(own, fakes, "right")
        fake_higher[:, group] = np.bincount(fake_group, twice / 2, len(fake_faces))
    return RankedPairs(fake_higher, fake_faces, real_faces)


def weighted_auc(pairs: RankedPairs, fake_times: np.ndarray, real_times: np.ndarray) -> np.ndarray:
    """AUC of each resample, float64 [r].

    Args:
        pairs: of the faces.
        fake_times: float [r, gf], how often each group of fakes was drawn.
        real_times: float [r, gr], the same for the reals.
    """
    higher = ((fake_times @ pairs.fake_higher) * real_times).sum(1)
    return higher / ((fake_times @ pairs.fake_faces) * (real_times @ pairs.real_faces))


def _draws(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """How often each of `size` groups is drawn in each of `count` resamples: float64 [count, size]."""
    drawn = rng.integers(size, size=(count, size)) + size * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size).astype(float)


def _percentiles(values: np.ndarray) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))
