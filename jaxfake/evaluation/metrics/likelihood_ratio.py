"""Strength of evidence: likelihood ratios P(evidence | fake) / P(evidence | real), and their quality.

A ratio of 100 says that the evidence is 100 times as probable if the video is a fake. It says nothing of
how probable fakes are before the evidence, which is for others to judge. All ratios here are log10.
"""

import dataclasses

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.calibration_error import equal_class_weights
from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True, eq=False)
class TippettCurves:
    """Which share of each class has a ratio of at least some size, at each distinct ratio, t of them.

    Attributes:
        log10_lr: float64 [t], rising.
        reals, fakes: float64 [t], shares of the reals and of the fakes.
    """

    log10_lr: np.ndarray
    reals: np.ndarray
    fakes: np.ndarray


def cllr(labels: np.ndarray, log10_lr: np.ndarray) -> float | Undefined:
    """The log-likelihood-ratio cost in bits (Brümmer and du Preez, 2006): 0 is best, 1 says nothing.

    Args:
        labels: int [n], 0 real, 1 fake.
        log10_lr: float [n]; infinite ones are allowed, and cost infinitely much where they mislead.
    """
    fakes, reals = _by_class(labels, log10_lr)
    if not len(fakes) or not len(reals):
        return _one_class(labels)
    natural = np.log(10.0)
    of_fakes = np.logaddexp(0, -fakes * natural).mean()
    of_reals = np.logaddexp(0, reals * natural).mean()
    return float((of_fakes + of_reals) / 2 / np.log(2.0))


def cllr_after_pav(labels: np.ndarray, scores: np.ndarray) -> float | Undefined:
    """The cost that is left if the scores were calibrated perfectly: that of their order alone."""
    if len(np.unique(labels)) < 2:
        return _one_class(labels)
    return cllr(labels, pav_log10_lr(labels, scores))


def pav_log10_lr(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The best ratios that rise with the score, by pooling adjacent violators; classes weigh the same.

    They may be infinite. They have seen the labels: they measure a detector, and calibrate none.
    """
    from sklearn.isotonic import IsotonicRegression

    weights = equal_class_weights(labels)
    chances = IsotonicRegression().fit(scores, labels, weights).predict(scores)
    with np.errstate(divide="ignore"):
        return np.log10(chances) - np.log10(1 - chances)


def tippett_curves(labels: np.ndarray, log10_lr: np.ndarray) -> TippettCurves | Undefined:
    """The curves of a Tippett plot; the arguments are those of `cllr`."""
    fakes, reals = map(np.sort, _by_class(labels, log10_lr))
    if not len(fakes) or not len(reals):
        return _one_class(labels)
    at = np.unique(log10_lr)
    shares = (1 - np.searchsorted(some, at, "left") / len(some) for some in (reals, fakes))
    return TippettCurves(at, *shares)


def misleading(labels: np.ndarray, log10_lr: np.ndarray) -> tuple[float, float] | Undefined:
    """The shares of the reals with a ratio above 1, and of the fakes with one below 1."""
    fakes, reals = _by_class(labels, log10_lr)
    if not len(fakes) or not len(reals):
        return _one_class(labels)
    return float((reals > 0).mean()), float((fakes < 0).mean())


def _by_class(labels: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[labels == schema.FAKE], values[labels == schema.REAL]


def _one_class(labels: np.ndarray) -> Undefined:
    fakes = int((labels == schema.FAKE).sum())
    return Undefined(
        f"both classes are needed, but there are {len(labels) - fakes} reals and {fakes} fakes"
    )
