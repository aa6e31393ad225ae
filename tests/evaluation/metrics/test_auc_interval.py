"""The interval that needs no resampling."""

import numpy as np
import pytest

from jaxfake.evaluation.metrics.auc import roc_auc
from jaxfake.evaluation.metrics.auc_interval import auc_interval


@pytest.mark.parametrize("auc", [0.5, 0.7, 0.93, 1.0])
@pytest.mark.parametrize("counts", [(3, 3), (5, 40), (200, 200)])
def test_it_holds_the_value_and_turns_with_the_labels(auc, counts):
    interval = auc_interval(auc, *counts)
    assert 0 <= interval.low <= auc <= interval.high <= 1
    turned = auc_interval(1 - auc, *reversed(counts))
    np.testing.assert_allclose(turned, (1 - interval.high, 1 - interval.low), atol=1e-9)


def test_few_examples_prove_little_even_if_fully_separated():
    assert auc_interval(1.0, 2, 2).low < 0.5 < auc_interval(1.0, 4, 4).low < 0.62
    assert auc_interval(1.0, 100, 100).low > 0.95


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_it_holds_the_true_value_about_19_times_in_20(shift):
    """Normal scores, whose true AUC is that of a million of them."""
    rng = np.random.default_rng(0)
    truth = (rng.normal(shift, 1, 10**6) > rng.normal(0, 1, 10**6)).mean()
    labels = np.repeat([0, 1], [15, 25])
    held = 0
    for _ in range(400):
        scores = rng.normal(size=40) + shift * labels
        low, high = auc_interval(roc_auc(labels, scores), 15, 25)
        held += low <= truth <= high
    assert 0.93 <= held / 400 <= 0.98
