"""The error of a detector that answers only where it is confident (El-Yaniv and Wiener, 2010)."""

import dataclasses

import numpy as np

from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The error for each share that is answered, the most confident first; t distinct confidences.

    Attributes:
        coverage: float64 [t], share of the examples that are answered, rising to 1.
        risk: float64 [t], share of those answers that are wrong.
        area: mean of the risk over all coverages (AURC); 0 is best.
    """

    coverage: np.ndarray
    risk: np.ndarray
    area: float


def risk_coverage(
    wrong: np.ndarray, confidence: np.ndarray, weights: np.ndarray | None = None
) -> RiskCoverage | Undefined:
    """The curve; examples of the same confidence are answered together.

    Args:
        wrong: bool [n], whether each answer would be wrong.
        confidence: float [n], larger for those that are answered first.
        weights: float [n]; None for the same weight for each.
    """
    if not len(wrong):
        return Undefined("there is no example")
    order = np.argsort(-confidence, kind="stable")
    weight = (np.ones(len(wrong)) if weights is None else weights)[order]
    last = np.append(np.flatnonzero(np.diff(confidence[order])), len(wrong) - 1)
    answered = np.cumsum(weight)[last]
    risk = np.cumsum(weight * wrong[order])[last] / answered
    coverage = answered / answered[-1]
    return RiskCoverage(coverage, risk, float(np.diff(coverage, prepend=0.0) @ risk))
