import itertools
import math

import numpy as np
import pytest
from hypothesis import given

from jaxfake.evaluation.metrics.likelihood_ratio import (
    cllr,
    cllr_after_pav,
    misleading,
    pav_log10_lr,
    tippett_curves,
)
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import ANY_SCORES


def _cost(labels, ratios):
    """Cllr from the ratios themselves, as the paper writes it."""
    fakes = [math.log2(1 + 1 / r) for r, label in zip(ratios, labels, strict=True) if label]
    reals = [math.log2(1 + r) for r, label in zip(ratios, labels, strict=True) if not label]
    return (sum(fakes) / len(fakes) + sum(reals) / len(reals)) / 2


def _hull_ratios(labels, scores):
    """The ratios of the convex hull of the ROC curve: its slopes, which pooling must find too."""
    n_fake, n_real = sum(labels), len(labels) - sum(labels)
    points = [(0, 0)]
    for level in sorted(set(scores), reverse=True):
        called = [label for label, score in zip(labels, scores, strict=True) if score >= level]
        points.append((len(called) - sum(called), sum(called)))
    hull = [points[0]]
    for point in points[1:]:
        while len(hull) > 1 and (
            (hull[-1][1] - hull[-2][1]) * (point[0] - hull[-1][0])
            <= (point[1] - hull[-1][1]) * (hull[-1][0] - hull[-2][0])
        ):
            hull.pop()
        hull.append(point)
    ratios = {}
    for level in sorted(set(scores), reverse=True):
        reach = sum(1 for score in scores if score >= level)
        for (x0, y0), (x1, y1) in itertools.pairwise(hull):
            if x0 + y0 < reach <= x1 + y1:
                rise, run = (y1 - y0) / n_fake, (x1 - x0) / n_real
                ratios[level] = math.inf if run == 0 else rise / run
    return [ratios[score] for score in scores]


@given(ANY_SCORES)
def test_pooling_finds_the_slopes_of_the_convex_hull(case):
    labels, scores = case
    expected = _hull_ratios(labels.tolist(), scores.tolist())
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(pav_log10_lr(labels, scores), np.log10(expected), atol=1e-9)


@given(ANY_SCORES)
def test_the_cost_is_that_of_the_paper(case):
    labels, scores = case
    log10_lr = np.clip(scores, -5, 5)
    assert cllr(labels, log10_lr) == pytest.approx(_cost(labels, 10.0**log10_lr))
    best = cllr_after_pav(labels, scores)
    assert best <= min(1.0, cllr(labels, log10_lr)) + 1e-9
    assert best == pytest.approx(cllr_after_pav(labels, 2 * scores + 1))


def test_ratios_that_say_nothing_cost_one_and_perfect_ones_nothing():
    labels = np.array([0, 0, 1])
    assert cllr(labels, np.zeros(3)) == pytest.approx(1)
    assert cllr(labels, np.array([-np.inf, -np.inf, np.inf])) == 0
    assert cllr(labels, np.array([np.inf, 0.0, 0.0])) == np.inf
    assert cllr_after_pav(labels, np.array([1.0, 2.0, 3.0])) == 0


def test_tippett_counts_what_is_at_least_as_strong():
    curves = tippett_curves(np.array([0, 0, 1, 1]), np.array([-1.0, 2.0, 2.0, 3.0]))
    assert curves.log10_lr.tolist() == [-1, 2, 3]
    assert curves.reals.tolist() == [1, 0.5, 0]
    assert curves.fakes.tolist() == [1, 1, 0.5]
    assert misleading(np.array([0, 0, 1, 1]), np.array([-1.0, 2.0, -2.0, 0.0])) == (0.5, 0.5)


@pytest.mark.parametrize("measure", [cllr, cllr_after_pav, tippett_curves, misleading])
def test_one_class_is_undefined(measure):
    assert isinstance(measure(np.ones(3, int), np.arange(3.0)), Undefined)
