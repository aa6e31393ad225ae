"""How well scores tell fakes from reals, with intervals; refuses to answer where there is no answer.

Intervals are percentile bootstrap intervals (Efron, 1979) that resample whole groups (videos,
identities), since the frames of one video are not independent witnesses.
"""

from typing import NamedTuple

import numpy as np

from jaxfake import schema


class Undefined(NamedTuple):
    """In place of a number that does not exist, never 0 or 1."""

    reason: str


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


class Bootstrap(NamedTuple):
    """How intervals are drawn."""

    resamples: int
    seed: int


class Auc(NamedTuple):
    """An area under the ROC curve, with what is needed to judge it."""

    value: float | Undefined  # 0..1; 0.5 is chance
    ci95: Interval | Undefined
    n_real: int
    n_fake: int


class RocCurve(NamedTuple):
    """Rates at each threshold, from 'nothing is fake' to 'everything is'."""

    false_positive: np.ndarray  # float64 [t], share of reals called fake
    true_positive: np.ndarray  # float64 [t], share of fakes called fake
    threshold: np.ndarray  # float64 [t], falling; a score >= threshold is called fake


class Wins(NamedTuple):
    """Pairs of a fake and a real face, counted by their videos (or identities)."""

    total: np.ndarray  # float64 [vf, vr], pairs in which the fake scores higher; a tie is one half
    fake_faces: np.ndarray  # int64 [vf]
    real_faces: np.ndarray  # int64 [vr]


def measure_auc(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, bootstrap: Bootstrap
) -> Auc:
    """AUC with its interval.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        groups: int [n], the video that each belongs to; all of one video share a label.
    """
    fake = labels == schema.FAKE
    return Auc(
        value=roc_auc(labels, scores),
        ci95=_auc_interval(fake, scores, groups, bootstrap),
        n_real=int((~fake).sum()),
        n_fake=int(fake.sum()),
    )


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """Area under the ROC curve; ties count one half (Mann and Whitney, 1947).

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
    """
    from scipy.stats import rankdata  # half a second, which a restarted training need not wait for

    fake = _fakes(labels, scores)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    if not n_fake or not n_real:
        return _one_class(n_real, n_fake)
    ranks = rankdata(scores)
    wins = ranks[fake].sum() - n_fake * (n_fake + 1) / 2
    return float(wins / (n_fake * n_real))


def roc_curve(labels: np.ndarray, scores: np.ndarray) -> RocCurve | Undefined:
    """All points of the ROC curve, one per distinct score and the origin."""
    fake = _fakes(labels, scores)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    if not n_fake or not n_real:
        return _one_class(n_real, n_fake)
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(fake[order])[last_of_tie]
    alarms = last_of_tie + 1 - hits
    return RocCurve(
        false_positive=np.append(0.0, alarms / n_real),
        true_positive=np.append(0.0, hits / n_fake),
        threshold=np.append(np.inf, scores[order][last_of_tie]),
    )


def mean_interval(
    values: np.ndarray, groups: np.ndarray, bootstrap: Bootstrap
) -> Interval | Undefined:
    """Interval of the mean of float [n] values; their groups [n], such as identities, are resampled."""
    _, group = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(group, weights=values), np.bincount(group)
    if len(sums) < 2:
        return Undefined("it needs at least two of what is resampled")
    times = _draws(np.random.default_rng(bootstrap.seed), len(sums), bootstrap.resamples)
    return _percentiles((times @ sums) / (times @ sizes))


def identity_interval(
    labels: np.ndarray, scores: np.ndarray, identities: np.ndarray, bootstrap: Bootstrap
) -> Interval | Undefined:
    """Interval of the AUC if people are drawn again, each with all their reals and fakes together.

    Resamples that hold one class only have no AUC and are left out.

    Args:
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        identities: int or str [n], the person that each shows.
    """
    fake = _fakes(labels, scores)
    names, person = np.unique(identities, return_inverse=True)
    with_fakes, with_reals = np.unique(person[fake]), np.unique(person[~fake])
    if len(with_fakes) < 2 or len(with_reals) < 2:
        have = f"{len(with_reals)} have reals and {len(with_fakes)} have fakes"
        return Undefined(f"it needs two identities of each class, but {have}")
    times = _draws(np.random.default_rng(bootstrap.seed), len(names), bootstrap.resamples)
    fake_times, real_times = times[:, with_fakes], times[:, with_reals]
    whole = fake_times.any(1) & real_times.any(1)
    if not whole.any():
        return Undefined("no resample of the identities holds both classes")
    wins = video_wins(fake, scores, person)
    return _percentiles(weighted_auc(wins, fake_times[whole], real_times[whole]))


def _auc_interval(
    fake: np.ndarray, scores: np.ndarray, groups: np.ndarray, bootstrap: Bootstrap
) -> Interval | Undefined:
    """Interval of the AUC; videos are resampled within each class, so that none is ever empty."""
    wins = video_wins(fake, scores, groups)
    n_fake, n_real = wins.total.shape
    if n_fake < 2 or n_real < 2:
        return Undefined(f"it needs two videos of each class, but there are {n_real} and {n_fake}")
    rng = np.random.default_rng(bootstrap.seed)
    fake_times = _draws(rng, n_fake, bootstrap.resamples)
    real_times = _draws(rng, n_real, bootstrap.resamples)
    return _percentiles(weighted_auc(wins, fake_times, real_times))


def video_wins(fake: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> Wins:
    """Compares every fake with every real face.

    Args:
        fake: bool [n].
        scores: float [n].
        groups: int [n], the video of each (or the identity).
    """
    _, fake_video, fake_faces = np.unique(groups[fake], return_inverse=True, return_counts=True)
    _, real_video, real_faces = np.unique(groups[~fake], return_inverse=True, return_counts=True)
    fakes, reals = scores[fake], scores[~fake]
    total = np.empty((len(fake_faces), len(real_faces)))
    for video in range(len(real_faces)):
        own = np.sort(reals[real_video == video])
        twice = np.searchsorted(own, fakes, "left") + np.searchsorted(own, fakes, "right")
        total[:, video] = np.bincount(fake_video, twice / 2, len(fake_faces))
    return Wins(total, fake_faces, real_faces)


def weighted_auc(wins: Wins, fake_times: np.ndarray, real_times: np.ndarray) -> np.ndarray:
    """AUC, float64 [r], if each fake video is there float [r, vf] times, each real [r, vr] times."""
    won = ((fake_times @ wins.total) * real_times).sum(1)
    return won / ((fake_times @ wins.fake_faces) * (real_times @ wins.real_faces))


def _draws(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """How often each of `size` members is there after `size` draws, float64 [count, size]."""
    drawn = rng.integers(size, size=(count, size)) + size * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size).astype(float)


def _percentiles(values: np.ndarray) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))


def _one_class(n_real: int, n_fake: int) -> Undefined:
    return Undefined(f"it needs both classes, but there are {n_real} reals and {n_fake} fakes")


def _fakes(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Which are fake, bool [n]; refuses input on which every answer would be wrong."""
    if not np.isin(labels, (schema.REAL, schema.FAKE)).all():
        raise ValueError("labels must be 0 or 1; leave unknown ones out")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    return labels == schema.FAKE
