import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.auc import roc_curve
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.metrics.operating_points import equal_error_rate, tpr_at_low_fpr
from jaxfake.evaluation.metrics.person_bootstrap import ranking_intervals, resample, roc_band
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import ANY_SCORES


def _written_out(labels, scores, people, bootstrap):
    """The same resamples, with every drawn row written out and measured by scikit-learn."""
    names, person = np.unique(people, return_inverse=True)
    for seed in np.random.SeedSequence(bootstrap.seed).spawn(bootstrap.resamples):
        drawn = np.random.default_rng(seed).integers(len(names), size=len(names), dtype=np.int32)
        rows = np.concatenate([np.flatnonzero(person == one) for one in drawn])
        some, those = labels[rows], scores[rows]
        if len(np.unique(some)) < 2:
            yield [np.nan] * 4
        else:
            yield [
                oracle.roc_auc_score(some, those),
                oracle.average_precision_score(some, those),
                equal_error_rate(some, those),
                tpr_at_low_fpr(some, those),
            ]


@given(ANY_SCORES)
@settings(max_examples=40)
def test_weights_are_as_good_as_rows(case):
    labels, scores = case
    people, bootstrap = np.arange(len(labels)) // 2, Bootstrap(4, 5)
    expected = list(_written_out(labels, scores, people, bootstrap))
    np.testing.assert_allclose(resample(labels, scores, people, bootstrap), expected, atol=1e-12)


def test_more_than_a_hundred_reals_allow_a_false_alarm():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 40])
    scores, people = rng.normal(size=340).round(1) + labels, np.arange(340)
    bootstrap = Bootstrap(20, 1)
    expected = list(_written_out(labels, scores, people, bootstrap))
    np.testing.assert_allclose(resample(labels, scores, people, bootstrap), expected, atol=1e-12)


def test_the_interval_is_of_people_and_the_same_every_time():
    rng = np.random.default_rng(0)
    labels, people = np.tile([0, 1], 40), np.repeat(np.arange(40), 2)
    scores = rng.normal(size=80) + labels
    once = ranking_intervals(labels, scores, people, Bootstrap(200, 3))
    often = ranking_intervals(
        *(np.repeat(part, 5) for part in (labels, scores, people)), Bootstrap(200, 3)
    )
    assert once == ranking_intervals(labels, scores, people, Bootstrap(200, 3))
    np.testing.assert_allclose(once["auc"], often["auc"])
    assert once["auc"].low < oracle.roc_auc_score(labels, scores) < once["auc"].high


def test_people_of_whom_few_have_a_class_give_no_interval():
    labels, scores = np.array([1, 0, 0, 0]), np.arange(4.0)
    found = ranking_intervals(labels, scores, np.arange(4), Bootstrap(100, 0))
    assert all(isinstance(one, Undefined) for one in found.values())


def test_labels_of_one_class_are_undefined():
    found = ranking_intervals(np.zeros(5, int), np.arange(5.0), np.arange(5), Bootstrap(10, 0))
    assert all(isinstance(one, Undefined) for one in found.values())
    with pytest.raises(ValueError, match="labels"):
        ranking_intervals(np.array([0, 2]), np.arange(2.0), np.arange(2), Bootstrap(10, 0))


def test_the_band_holds_the_curve_and_narrows_with_people():
    rng, widths = np.random.default_rng(0), []
    for people in (40, 400):
        labels, person = np.tile([0, 1], people), np.repeat(np.arange(people), 2)
        scores = rng.normal(size=2 * people) + labels
        band = roc_band(labels, scores, person, Bootstrap(100, 0))
        curve = roc_curve(labels, scores)
        at = np.interp(band.false_positive, curve.false_positive, curve.true_positive)
        assert ((band.low <= at + 0.05) & (at - 0.05 <= band.high)).all()
        widths.append((band.high - band.low).mean())
    assert widths[1] < widths[0] / 2
    assert isinstance(
        roc_band(np.zeros(4), np.arange(4.0), np.arange(4), Bootstrap(9, 0)), Undefined
    )
