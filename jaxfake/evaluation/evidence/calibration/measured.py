"""How good calibrated scores are on videos that the calibration has not seen."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.evidence.calibration import conformal
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.calibration.strength import ERROR
from jaxfake.evaluation.metrics.calibration_error import (
    brier_score,
    equal_class_weights,
    expected_calibration_error,
)
from jaxfake.evaluation.metrics.likelihood_ratio import cllr, cllr_after_pav, misleading
from jaxfake.evaluation.metrics.risk_coverage import RiskCoverage, risk_coverage
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import json_fields

RATES = (0.001, 0.01, 0.05, 0.1)
"""False alarm rates for which a threshold is stated; our choice."""


@dataclasses.dataclass(frozen=True)
class Quality:
    """How good probabilities are; both classes weigh the same."""

    ece: float | Undefined
    brier: float | Undefined


@dataclasses.dataclass(frozen=True)
class AlarmRow:
    """A threshold that was set on validation for a false alarm rate, and what it does here.

    Attributes:
        rate: that was asked for.
        threshold: of the score; undefined if validation has too few people for the rate.
        false_alarms, reals: reals that are called fake, of all; None without a threshold.
        found, fakes: fakes that are called fake, of all; None without a threshold.
    """

    rate: float
    threshold: float | Undefined
    false_alarms: int | None
    reals: int
    found: int | None
    fakes: int


@dataclasses.dataclass(frozen=True)
class Abstention:
    """What is answered if a share `error` of each class may be answered wrongly.

    Attributes:
        answered: share of all videos with an answer, the coverage.
        wrong_reals, wrong_fakes: share of all reals that are called fake, and of all fakes called real.
        accuracy: of the answers; undefined without any.
        out_of_range: share of all videos that are not answered because their input is unlike validation.
    """

    error: float
    answered: float
    wrong_reals: float | Undefined
    wrong_fakes: float | Undefined
    accuracy: float | Undefined
    out_of_range: float


@dataclasses.dataclass(frozen=True, eq=False)
class CalibratedResult:
    """A calibration, and what it is worth on these videos.

    Attributes:
        calibration: that was used.
        labels, scores, log10_lr: of the videos, [n].
        raw: quality of the scores as they are; None if they are not probabilities.
        calibrated: quality of P(fake) where both classes are as probable.
        cllr, cllr_min: cost of the ratios in bits, and what is left of it by the best rising function.
        misleading: shares of the reals with a ratio above 1, and of the fakes below 1.
        alarms: for each of `RATES`.
        abstention: at `ERROR`.
        risk: of answering by the sign of the log ratio, the strongest first.
    """

    calibration: Calibration
    labels: np.ndarray
    scores: np.ndarray
    log10_lr: np.ndarray
    raw: Quality | None
    calibrated: Quality
    cllr: float | Undefined
    cllr_min: float | Undefined
    misleading: tuple[float, float] | Undefined
    alarms: tuple[AlarmRow, ...]
    abstention: Abstention
    risk: RiskCoverage | Undefined


def measure_calibrated(
    calibration: Calibration,
    labels: np.ndarray,
    scores: np.ndarray,
    unlike: np.ndarray | None = None,
) -> CalibratedResult:
    """Measures a calibration on other videos than it was fitted on.

    Args:
        calibration: to measure.
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite.
        unlike: bool [n], whether the input is unlike those of validation; None if that is not known.
    """
    ratio, chance = calibration.log10_lr(scores), calibration.chance(scores)
    fakes = labels == schema.FAKE
    outside = np.zeros(len(labels), np.bool_) if unlike is None else unlike
    return CalibratedResult(
        calibration=calibration,
        labels=labels,
        scores=scores,
        log10_lr=ratio,
        raw=_quality(labels, scores) if calibration.probability else None,
        calibrated=_quality(labels, chance),
        cllr=cllr(labels, ratio),
        cllr_min=cllr_after_pav(labels, scores),
        misleading=misleading(labels, ratio),
        alarms=tuple(_alarm(calibration, rate, fakes, scores) for rate in RATES),
        abstention=_abstention(calibration, fakes, scores, outside),
        risk=risk_coverage((ratio > 0) != fakes, np.abs(ratio), equal_class_weights(labels)),
    )


def calibrated_json(result: CalibratedResult) -> dict[str, Any]:
    """As metrics.json has it."""
    calibration, area = result.calibration, result.risk
    raw = {} if result.raw is None else _quality_json("score", result.raw)
    return {
        "kind": calibration.kind,
        "sha256": calibration.sha256,
        "fitted_on": dataclasses.asdict(calibration.fitted_on),
        "log10_lr_limits": [calibration.least, calibration.most],
        **raw,
        **_quality_json("calibrated", result.calibrated),
        **json_fields("cllr", result.cllr),
        **json_fields("cllr_after_pav", result.cllr_min),
        **_pair(result.misleading),
        **json_fields("aurc", area if isinstance(area, Undefined) else area.area),
        "thresholds": [_alarm_json(one) for one in result.alarms],
        "abstention": _abstention_json(result.abstention),
    }


def _quality(labels: np.ndarray, chances: np.ndarray) -> Quality:
    weights = equal_class_weights(labels)
    return Quality(
        expected_calibration_error(labels, chances, weights), brier_score(labels, chances, weights)
    )


def _alarm(
    calibration: Calibration, rate: float, fakes: np.ndarray, scores: np.ndarray
) -> AlarmRow:
    threshold, reals = conformal.alarm_threshold(calibration, rate), int((~fakes).sum())
    if isinstance(threshold, Undefined):
        return AlarmRow(rate, threshold, None, reals, None, int(fakes.sum()))
    called = calibration.to_evidence(scores) >= threshold
    return AlarmRow(
        rate,
        calibration.to_score(threshold),
        false_alarms=int((called & ~fakes).sum()),
        reals=reals,
        found=int((called & fakes).sum()),
        fakes=int(fakes.sum()),
    )


def _abstention(
    calibration: Calibration, fakes: np.ndarray, scores: np.ndarray, outside: np.ndarray
) -> Abstention:
    said = np.array(conformal.answers(calibration, scores, ERROR), object)
    said[outside] = "like_neither"
    real, fake = said == "real", said == "fake"
    answered, right = real | fake, (real & ~fakes) | (fake & fakes)
    return Abstention(
        error=ERROR,
        answered=float(answered.sum() / max(1, len(said))),
        wrong_reals=_rate(fake[~fakes]),
        wrong_fakes=_rate(real[fakes]),
        accuracy=_rate(right[answered]),
        out_of_range=float(outside.sum() / max(1, len(said))),
    )


def _rate(values: np.ndarray) -> float | Undefined:
    return float(values.mean()) if len(values) else Undefined("there is no such video")


def _quality_json(name: str, quality: Quality) -> dict[str, Any]:
    return json_fields(f"{name}_ece", quality.ece) | json_fields(f"{name}_brier", quality.brier)


def _pair(shares: Sequence[float] | Undefined) -> dict[str, Any]:
    names = ("misleading_reals", "misleading_fakes")
    if isinstance(shares, Undefined):
        return {key: value for name in names for key, value in json_fields(name, shares).items()}
    return dict(zip(names, shares, strict=True))


def _alarm_json(row: AlarmRow) -> dict[str, Any]:
    counts = {key: getattr(row, key) for key in ("false_alarms", "reals", "found", "fakes")}
    return {"rate": row.rate, **json_fields("threshold", row.threshold), **counts}


def _abstention_json(one: Abstention) -> dict[str, Any]:
    fields: dict[str, Any] = {"error": one.error, "answered": one.answered}
    for name in ("wrong_reals", "wrong_fakes", "accuracy"):
        fields |= json_fields(name, getattr(one, name))
    return fields | {"out_of_range": one.out_of_range}
