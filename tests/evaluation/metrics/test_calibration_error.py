import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.calibration_error import (
    brier_score,
    equal_class_weights,
    expected_calibration_error,
    reliability,
)
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import PROBABILITIES


def _written_out(labels, chances, weights):
    """ECE as a sum over bins and their members, one by one."""
    error, bins = 0.0, [[] for _ in range(15)]
    for label, chance, weight in zip(labels, chances, weights, strict=True):
        bins[min(int(chance * 15), 14)].append((label, chance, weight))
    for members in filter(None, bins):
        total = sum(weight for *_, weight in members)
        predicted = sum(chance * weight for _, chance, weight in members) / total
        happened = sum(label * weight for label, _, weight in members) / total
        error += total / sum(weights) * abs(predicted - happened)
    return error


@given(PROBABILITIES)
def test_they_are_what_their_definitions_say(case):
    labels, chances = case
    equal = equal_class_weights(labels)
    for weights in (None, equal):
        plain = np.ones(len(labels)) if weights is None else weights
        ece = expected_calibration_error(labels, chances, weights)
        assert ece == pytest.approx(_written_out(labels, chances, plain))
        expected = oracle.brier_score_loss(labels, chances, sample_weight=weights)
        assert brier_score(labels, chances, weights) == pytest.approx(expected)


def test_with_equal_weights_the_share_of_fakes_does_not_matter():
    rng = np.random.default_rng(0)
    labels, chances = np.tile([0, 1], 50), rng.uniform(size=100)
    more = np.concatenate([np.arange(100), *[np.flatnonzero(labels)] * 3])
    for metric in (brier_score, expected_calibration_error):
        one, other = (
            metric(labels[rows], chances[rows], equal_class_weights(labels[rows]))
            for rows in (np.arange(100), more)
        )
        assert one == pytest.approx(other)


def test_bins_without_examples_are_not_drawn():
    curve = reliability(np.array([0, 1, 1]), np.array([0.0, 1.0, 1.0]))
    assert curve.predicted.tolist() == [0, 1] == curve.fakes.tolist()
    assert curve.count.tolist() == [1, 2]
    assert curve.weight.sum() == pytest.approx(1)


def test_nothing_has_no_error():
    nothing = np.zeros(0)
    assert isinstance(brier_score(nothing, nothing), Undefined)
    assert isinstance(expected_calibration_error(nothing, nothing), Undefined)
