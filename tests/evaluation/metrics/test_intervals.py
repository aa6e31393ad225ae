import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.intervals import (
    Bootstrap,
    Interval,
    identity_interval,
    mean_interval,
    measure_auc,
    rank_pairs,
    weighted_auc,
)
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.metrics.strategies import ANY_SCORES

BOOTSTRAP = Bootstrap(resamples=400, seed=1)


@given(ANY_SCORES, st.integers(0, 2**32 - 1))
def test_weighted_auc_is_scikit_learns_with_sample_weight(case, seed):
    labels, scores = case
    rng = np.random.default_rng(seed)
    fake, videos = labels == 1, rng.integers(0, 5, len(labels)) + 5 * labels
    times = rng.integers(0, 4, (3, 10)) + 1.0
    there = [np.unique(videos[which]) for which in (fake, ~fake)]
    ours = weighted_auc(rank_pairs(fake, scores, videos), *(times[:, which] for which in there))
    weights = times[:, videos]
    expected = [oracle.roc_auc_score(labels, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_one_video_of_a_class_has_an_auc_and_no_interval():
    auc = measure_auc(np.array([0, 0, 1]), np.array([0.0, 2.0, 1.0]), np.arange(3), BOOTSTRAP)
    assert auc.value == 0.5
    assert isinstance(auc.ci95, Undefined)


def test_interval_agrees_with_the_normal_approximation():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 400)
    scores = rng.normal(size=800) + labels * 0.5
    auc = measure_auc(labels, scores, np.arange(800), Bootstrap(2000, 0))
    # Hanley and McNeil, 1982: standard error of an AUC.
    a = auc.value
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + 399 * (q1 - a * a) + 399 * (q2 - a * a)) / 400**2)
    assert auc.ci95.low == pytest.approx(a - 1.96 * error, abs=0.005)
    assert auc.ci95.high == pytest.approx(a + 1.96 * error, abs=0.005)


def test_frames_of_one_video_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    labels, scores, videos = np.repeat([0, 1], 20), rng.normal(size=40), np.arange(40)
    once = measure_auc(labels, scores, videos, BOOTSTRAP)
    often = measure_auc(*(np.repeat(part, 10) for part in (labels, scores, videos)), BOOTSTRAP)
    assert often.n_real == 10 * once.n_real
    np.testing.assert_allclose(often.ci95, once.ci95)


def test_mean_interval_resamples_identities():
    rng = np.random.default_rng(0)
    values, people = rng.normal(3.0, 1.0, 400), np.arange(400)
    interval = mean_interval(values, people, Bootstrap(2000, 0))
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose(interval, (values.mean() - half, values.mean() + half), atol=0.01)
    often = mean_interval(np.repeat(values, 7), np.repeat(people, 7), Bootstrap(2000, 0))
    np.testing.assert_allclose(often, interval)
    assert isinstance(mean_interval(values, np.zeros(400), BOOTSTRAP), Undefined)


def test_resampled_identities_keep_their_reals_and_fakes_together():
    """Fakes of a person that beat the reals of that same person, but hardly those of others."""
    rng = np.random.default_rng(0)
    people = np.tile(np.arange(60), 2)
    labels = np.repeat([0, 1], 60)
    scores = 5.0 * np.tile(rng.normal(size=60), 2) + labels + rng.normal(size=120)
    bootstrap = Bootstrap(2000, 0)
    whole = identity_interval(labels, scores, people, bootstrap)
    apart = measure_auc(labels, scores, np.arange(120), bootstrap).ci95
    assert whole.high - whole.low < 0.7 * (apart.high - apart.low)
    draws = np.random.default_rng(1).integers(60, size=(2000, 60))
    chosen = np.concatenate([draws, draws + 60], axis=1)
    expected = [oracle.roc_auc_score(labels[row], scores[row]) for row in chosen[:500]]
    np.testing.assert_allclose(whole, np.quantile(expected, [0.025, 0.975]), atol=0.01)


def test_identities_with_frames_of_several_videos_count_once():
    labels, scores = np.repeat([0, 1], 30), np.random.default_rng(0).normal(size=60)
    people = np.array([f"person {n % 15}" for n in range(60)])
    once = identity_interval(labels, scores, people, BOOTSTRAP)
    often = identity_interval(*(np.repeat(part, 4) for part in (labels, scores, people)), BOOTSTRAP)
    np.testing.assert_allclose(often, once)


def test_resamples_of_identities_without_a_class_are_left_out():
    """Four people, two of each class: one resample in eight has one class only."""
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.9])
    interval = identity_interval(labels, scores, np.arange(4), BOOTSTRAP)
    assert interval == (0.0, 1.0)


@pytest.mark.parametrize("people", [[0, 0, 1, 2], [0, 1, 2, 2], [0, 0, 0, 0]])
def test_identity_interval_needs_two_people_of_each_class(people):
    labels, scores = np.array([0, 0, 1, 1]), np.arange(4.0)
    assert isinstance(identity_interval(labels, scores, np.array(people), BOOTSTRAP), Undefined)


def test_intervals_follow_from_their_seed():
    labels, scores = np.repeat([0, 1], 30), np.random.default_rng(0).normal(size=60)
    first = measure_auc(labels, scores, np.arange(60), BOOTSTRAP)
    assert first == measure_auc(labels, scores, np.arange(60), BOOTSTRAP)
    assert isinstance(first.ci95, Interval)
    assert first.ci95.low < first.value < first.ci95.high


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_neither_auc_nor_interval(label):
    labels, scores = np.full(5, label), np.arange(5.0)
    auc = measure_auc(labels, scores, np.arange(5), BOOTSTRAP)
    assert isinstance(auc.value, Undefined)
    assert "both classes" in auc.value.reason
    assert isinstance(auc.ci95, Undefined)
    assert (auc.n_real, auc.n_fake) == ((5, 0) if label == 0 else (0, 5))
