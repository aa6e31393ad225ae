"""What can be said of one file: the strength of its evidence, an answer or none, and why."""

import dataclasses
from typing import Literal

import numpy as np

from jaxfake.evaluation.evidence.calibration import conformal
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.calibration.input_range import InputFacts, Reason, reasons

ERROR = 0.05
"""Share of each class that may be answered wrongly, unless somebody chooses another."""

Verdict = Literal["real", "fake", "undecided"]


@dataclasses.dataclass(frozen=True)
class Strength:
    """What is said of a file.

    Attributes:
        score: of the detector.
        log10_lr: log10 of P(such a score | fake) / P(such a score | real).
        at_limit: whether the ratio is as large or as small as the people of validation can show; the true
            one may be more extreme.
        chance: P(fake) if a fake is as probable as a real beforehand.
        p_real, p_fake: share of the reals with so high, and of the fakes with so low a score.
        verdict: 'undecided' if the score is like both classes or neither, or the input unlike validation.
        likeness: the class or classes that the score is like, as `conformal.Answer`.
        reasons: why the input is unlike those of validation.
        calibration: sha256 of it.
    """

    score: float
    log10_lr: float
    at_limit: bool
    chance: float
    p_real: float
    p_fake: float
    verdict: Verdict
    likeness: conformal.Answer
    reasons: tuple[Reason, ...]
    calibration: str


def strength_of(
    calibration: Calibration, score: float, facts: InputFacts | None, error: float = ERROR
) -> Strength:
    """The strength of the evidence of a file with this score.

    Args:
        calibration: of the detector.
        score: of the file.
        facts: of its input; None to leave the input unchecked.
        error: share of each class that may be answered wrongly.
    """
    one = np.array([score], np.float64)
    ratio = float(calibration.log10_lr(one)[0])
    (answer,) = conformal.answers(calibration, one, error)
    why = tuple(reasons(calibration.ranges, facts)) if facts is not None else ()
    decided = answer in ("real", "fake") and not why
    return Strength(
        score=float(score),
        log10_lr=ratio,
        at_limit=ratio in (calibration.least, calibration.most),
        chance=float(calibration.chance(one)[0]),
        p_real=float(conformal.p_real(calibration, one)[0]),
        p_fake=float(conformal.p_fake(calibration, one)[0]),
        verdict=answer if decided and answer in ("real", "fake") else "undecided",
        likeness=answer,
        reasons=why,
        calibration=calibration.sha256,
    )
