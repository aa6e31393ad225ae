import numpy as np
import pytest

from jaxfake.evaluation.metrics.risk_coverage import risk_coverage
from jaxfake.evaluation.metrics.undefined import Undefined


def test_the_risk_is_that_of_what_is_answered():
    rng = np.random.default_rng(0)
    wrong, confidence = rng.uniform(size=30) < 0.3, rng.permutation(30).astype(float)
    curve = risk_coverage(wrong, confidence)
    by_hand = [wrong[confidence >= 30 - n].mean() for n in range(1, 31)]
    np.testing.assert_allclose(curve.risk, by_hand)
    np.testing.assert_allclose(curve.coverage, np.arange(1, 31) / 30)
    assert curve.area == pytest.approx(np.mean(by_hand))


def test_equal_confidence_is_answered_together():
    curve = risk_coverage(np.array([True, False, False, False]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert curve.coverage.tolist() == [0.5, 1.0]
    assert curve.risk.tolist() == [0.5, 0.25]


def test_weights_are_as_good_as_copies():
    wrong, confidence = np.array([True, False, True]), np.array([3.0, 2.0, 1.0])
    weighted = risk_coverage(wrong, confidence, np.array([2.0, 1.0, 3.0]))
    copied = risk_coverage(*(np.repeat(part, [2, 1, 3]) for part in (wrong, confidence)))
    np.testing.assert_allclose(weighted.risk, copied.risk)
    assert weighted.area == pytest.approx(copied.area)
    assert isinstance(risk_coverage(wrong[:0], confidence[:0]), Undefined)
