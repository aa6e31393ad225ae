"""Decisions with a promise: thresholds of a stated false alarm rate, and abstention (split conformal).

The promise (Vovk et al., 2005) is for any video of a new person who is like those of validation: a real is
called fake with at most the stated probability, and so is a fake called real. It holds whatever the
detector is; a bad one abstains. People are what is exchangeable, not videos: each person weighs 1, and the
new person is counted as if all of their videos had such a score, which keeps the promise exactly (our
choice).

A calibration that was fitted under perturbations too keeps it in each of these conditions by itself: a
score counts as rare if it is so in all of them (our choice).
"""

import math
from typing import Literal

import numpy as np

from jaxfake.evaluation.evidence.calibration.calibration import (
    Calibration,
    ClassScores,
    to_evidence,
)
from jaxfake.evaluation.metrics.undefined import Undefined

_JUST_ABOVE = 1e-6
"""From the evidence of the highest real to a threshold above it; a score file tells them apart."""

Answer = Literal["real", "fake", "like_both", "like_neither"]
"""The last two are no answer: the detector abstains."""


def p_real(calibration: Calibration, scores: np.ndarray) -> np.ndarray:
    """Share of the real people, a new one among them, with a score as high as each of these; 0..1.

    In the condition in which it is largest.
    """
    evidence = calibration.to_evidence(scores)
    reals = (one.reals for one in calibration.conditions)
    return np.max([_share(one, evidence, above=True) for one in reals], axis=0)


def p_fake(calibration: Calibration, scores: np.ndarray) -> np.ndarray:
    """Share of the people with fakes, a new one among them, with a score as low as each of these; 0..1.

    In the condition in which it is largest.
    """
    evidence = calibration.to_evidence(scores)
    fakes = (one.fakes for one in calibration.conditions)
    return np.max([_share(one, evidence, above=False) for one in fakes], axis=0)


def answers(calibration: Calibration, scores: np.ndarray, error: float) -> list[Answer]:
    """What is answered for each score, if at most this share of each class may be answered wrongly.

    Args:
        calibration: of the validation videos.
        scores: float [n].
        error: of each class, 0..1, such as 0.05.
    """
    real, fake = p_real(calibration, scores) > error, p_fake(calibration, scores) > error
    names: dict[tuple[bool, bool], Answer] = {
        (True, False): "real",
        (False, True): "fake",
        (True, True): "like_both",
        (False, False): "like_neither",
    }
    return [names[bool(one), bool(other)] for one, other in zip(real, fake, strict=True)]


def alarm_threshold(calibration: Calibration, rate: float) -> float | Undefined:
    """The lowest evidence that is called fake, if at most this share of reals may be; see `to_evidence`.

    It is halfway between the reals that must not be called fake and those that may, in the condition in
    which that is highest.
    """
    found = [_threshold(one.reals, rate, calibration.probability) for one in calibration.conditions]
    undefined = [one for one in found if isinstance(one, Undefined)]
    return undefined[0] if undefined else max(one for one in found if isinstance(one, float))


def _threshold(reals: ClassScores, rate: float, probability: bool) -> float | Undefined:
    if 1 / (reals.people + 1) > rate:
        needed = math.ceil(1 / rate) - 1
        return Undefined(f"{needed} people with reals are needed, and there are {reals.people:.0f}")
    evidence = np.unique(reals.evidence)
    refused = (
        _share(reals, evidence, above=True) > rate
    )  # never none: all reals are above the lowest
    highest, others = evidence[refused][-1], evidence[~refused]
    if probability and highest >= to_evidence(np.ones(1), probability)[0]:
        return Undefined("too many reals have the highest possible score")
    return float((highest + others[0]) / 2) if len(others) else float(highest + _JUST_ABOVE)


def _share(known: ClassScores, evidence: np.ndarray, above: bool) -> np.ndarray:
    at, weight = np.asarray(known.evidence), np.asarray(known.weight)
    total = np.concatenate([[0.0], np.cumsum(weight)])
    if above:
        counted = total[-1] - total[np.searchsorted(at, evidence, "left")]
    else:
        counted = total[np.searchsorted(at, evidence, "right")]
    return (counted + 1) / (total[-1] + 1)
