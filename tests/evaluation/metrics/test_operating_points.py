"""Against scikit-learn, with ties; and where metrics are undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.operating_points import (
    accuracy,
    average_precision,
    equal_error_rate,
    tpr_at_low_fpr,
)
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import PROBABILITIES


@given(PROBABILITIES)
def test_average_precision_is_scikit_learns(case):
    assert average_precision(*case) == pytest.approx(oracle.average_precision_score(*case))


@given(PROBABILITIES)
def test_accuracy_is_scikit_learns(case):
    labels, scores = case
    assert accuracy(labels, scores) == oracle.accuracy_score(labels, scores >= 0.5)


@given(PROBABILITIES)
def test_equal_error_rate_is_where_the_interpolated_curve_meets_the_diagonal(case):
    false_positive, true_positive, _ = oracle.roc_curve(*case)
    # Along the curve, so that its upright pieces are no trouble.
    place = np.linspace(0, 1, len(false_positive))
    meet = brentq(
        lambda x: np.interp(x, place, false_positive) + np.interp(x, place, true_positive) - 1,
        0,
        1,
        xtol=1e-12,
    )
    assert equal_error_rate(*case) == pytest.approx(
        np.interp(meet, place, false_positive), abs=1e-9
    )


@given(PROBABILITIES, st.integers(1, 3))
def test_tpr_at_low_fpr_is_scikit_learns(case, times):
    """One real many times, so that a few false positives are allowed."""
    labels, scores = case
    repeats = np.ones_like(labels)
    repeats[0] = 100 * times
    labels, scores = labels.repeat(repeats), scores.repeat(repeats)
    false_positive, true_positive, _ = oracle.roc_curve(labels, scores, drop_intermediate=False)
    assert tpr_at_low_fpr(labels, scores) == true_positive[false_positive <= 0.01].max()


@given(PROBABILITIES)
def test_every_rate_lies_between_0_and_1_and_a_perfect_score_has_the_best(case):
    labels, scores = case
    for metric in (average_precision, equal_error_rate, accuracy, tpr_at_low_fpr):
        assert 0 <= metric(labels, scores) <= 1
    best = [average_precision, accuracy, tpr_at_low_fpr]
    assert [metric(labels, labels.astype(float)) for metric in best] == [1, 1, 1]
    assert equal_error_rate(labels, labels.astype(float)) == 0


def test_one_real_in_a_hundred_may_be_called_fake():
    labels = np.repeat([0, 1], [100, 2])
    scores = np.concatenate([np.zeros(99), [0.8], [0.9, 0.7]])
    assert tpr_at_low_fpr(labels, scores) == 1.0
    assert tpr_at_low_fpr(labels[1:], scores[1:]) == 0.5  # 1 of 99 is more than 1 %


def test_scores_that_are_all_tied_decide_nothing():
    labels, scores = np.array([0, 0, 0, 1]), np.full(4, 0.5)
    assert average_precision(labels, scores) == 0.25
    assert equal_error_rate(labels, scores) == 0.5
    assert tpr_at_low_fpr(labels, scores) == 0
    assert accuracy(labels, scores) == 0.25  # 0.5 is called fake


@pytest.mark.parametrize("labels", [[], [0], [1], [0, 0], [1, 1, 1]])
def test_without_both_classes_only_accuracy_is_left(labels):
    labels = np.array(labels, np.int32)
    scores = np.full(len(labels), 0.25)
    for metric in (average_precision, equal_error_rate, tpr_at_low_fpr):
        assert isinstance(metric(labels, scores), Undefined)
    if len(labels):
        assert accuracy(labels, scores) == (labels == 0).mean()
    else:
        assert isinstance(accuracy(labels, scores), Undefined)


def test_accuracy_refuses_scores_that_are_not_probabilities():
    with pytest.raises(ValueError, match="probabilities"):
        accuracy(np.array([0, 1]), np.array([0.2, 1.2]))
