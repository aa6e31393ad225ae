"""How well a likelihood ratio is known: a 95 % interval from how few people the calibration was fitted on.

The line of a logistic fit is known as well as its two coefficients are: by the Fisher information of the
validation scores, in which each person counts once, whatever the number of their videos and of conditions
in which these were scored, and both classes weigh the same, as they do in the fit. It says nothing about
faces unlike those of validation.
"""

import numpy as np
from scipy.special import expit

from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined

_LN10 = float(np.log(10.0))
_TWO_SIDED_95 = 1.959964


def ratio_interval(calibration: Calibration, score: float) -> Interval | Undefined:
    """The 95 % interval of the log10 likelihood ratio of a score, within what so few people can show."""
    if calibration.kind == "isotonic":
        return Undefined("the steps of an isotonic calibration have no interval of this kind")
    evidence = calibration.to_evidence(np.array([score], np.float64))
    at = _columns(calibration, evidence)[0]
    spread = float(np.sqrt(at @ _covariance(calibration) @ at)) / _LN10
    middle = float(calibration.slope * evidence[0] + calibration.offset) / _LN10
    ends = np.clip(
        [middle - _TWO_SIDED_95 * spread, middle + _TWO_SIDED_95 * spread],
        calibration.least,
        calibration.most,
    )
    return Interval(*ends.tolist())


def _covariance(calibration: Calibration) -> np.ndarray:
    """Of the coefficients, float64 [k, k]: slope, and offset where there is one."""
    conditions = calibration.conditions
    classes = [one.reals for one in conditions] + [one.fakes for one in conditions]
    people = sum(one.people for one in classes) / len(conditions)
    size = 1 if calibration.kind == "temperature" else 2
    curvature, noise = np.zeros((size, size)), np.zeros((size, size))
    for one in classes:
        evidence = np.asarray(one.evidence, np.float64)
        chance = expit(calibration.slope * evidence + calibration.offset)
        at, class_weight = _columns(calibration, evidence), people / (2 * one.people)
        weight = np.asarray(one.weight) / len(conditions)
        information = (at * (weight * chance * (1 - chance))[:, None]).T @ at
        curvature += class_weight * information
        noise += class_weight**2 * information
    inverse = np.linalg.pinv(curvature)
    return inverse @ noise @ inverse


def _columns(calibration: Calibration, evidence: np.ndarray) -> np.ndarray:
    """What the coefficients are multiplied with, float64 [n, k]."""
    if calibration.kind == "temperature":
        return evidence[:, None]
    return np.stack([evidence, np.ones_like(evidence)], axis=1)
