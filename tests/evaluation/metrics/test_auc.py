import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.auc import roc_auc, roc_curve
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import ANY_SCORES


@given(ANY_SCORES)
def test_auc_is_scikit_learns(case):
    labels, scores = case
    assert roc_auc(labels, scores) == pytest.approx(oracle.roc_auc_score(labels, scores))


@given(ANY_SCORES)
def test_curve_is_scikit_learns(case):
    labels, scores = case
    curve = roc_curve(labels, scores)
    expected = oracle.roc_curve(labels, scores, drop_intermediate=False)
    rates = curve.false_positive, curve.true_positive, curve.threshold
    for ours, theirs in zip(rates, expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_unknown_labels_and_missing_scores_are_refused():
    with pytest.raises(ValueError, match="labels"):
        roc_auc(np.array([0, 1, -1]), np.arange(3.0))
    with pytest.raises(ValueError, match="finite"):
        roc_auc(np.array([0, 1]), np.array([0.0, np.nan]))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_neither_auc_nor_curve(label):
    labels, scores = np.full(5, label), np.arange(5.0)
    assert isinstance(roc_auc(labels, scores), Undefined)
    assert isinstance(roc_curve(labels, scores), Undefined)
