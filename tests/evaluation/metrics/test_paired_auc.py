import numpy as np
import pytest
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics.paired_auc import compare_aucs
from jaxfake.evaluation.metrics.undefined import Undefined


def _two_detectors(rng, people, gain):
    """Two real and two fake videos of each person; the first detector is better by `gain`."""
    labels, person = np.tile([0, 0, 1, 1], people), np.repeat(np.arange(people), 4)
    common = rng.normal(size=people)[person] + rng.normal(size=4 * people) + labels
    return (
        labels,
        common + gain * labels + rng.normal(size=4 * people),
        common + rng.normal(size=4 * people),
        person,
    )


def test_the_interval_is_that_of_resampled_people():
    labels, first, second, person = _two_detectors(np.random.default_rng(3), 80, 0.5)
    found = compare_aucs(labels, first, second, person)
    rng, differences = np.random.default_rng(0), []
    for _ in range(500):
        rows = np.concatenate([np.flatnonzero(person == p) for p in rng.integers(80, size=80)])
        aucs = [oracle.roc_auc_score(labels[rows], s[rows]) for s in (first, second)]
        differences.append(aucs[0] - aucs[1])
    assert found.value == pytest.approx(
        oracle.roc_auc_score(labels, first) - oracle.roc_auc_score(labels, second)
    )
    np.testing.assert_allclose(found.ci95, np.quantile(differences, [0.025, 0.975]), atol=0.01)
    assert found.p_value < 0.05


def test_a_difference_that_is_not_there_is_rarely_found():
    rng = np.random.default_rng(1)
    p_values = [compare_aucs(*_two_detectors(rng, 25, 0.0)).p_value for _ in range(400)]
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.08


def test_pairing_finds_what_two_intervals_cannot():
    labels, first, second, person = _two_detectors(np.random.default_rng(3), 80, 0.5)
    apart = compare_aucs(labels, first, np.random.default_rng(0).permuted(second), person)
    together = compare_aucs(labels, first, second, person)
    assert np.diff(together.ci95) < np.diff(apart.ci95)


def test_exchanged_detectors_have_the_opposite_difference():
    labels, first, second, person = _two_detectors(np.random.default_rng(3), 30, 0.5)
    one, other = (compare_aucs(labels, a, b, person) for a, b in ((first, second), (second, first)))
    assert one.value == -other.value
    np.testing.assert_allclose(one.ci95, (-other.ci95.high, -other.ci95.low))
    assert one.p_value == pytest.approx(other.p_value)


def test_scores_of_the_same_order_cannot_be_compared():
    labels, first, _, person = _two_detectors(np.random.default_rng(3), 30, 0.5)
    assert isinstance(compare_aucs(labels, first, 2 * first + 1, person), Undefined)
    perfect = labels.astype(float)
    assert isinstance(compare_aucs(labels, perfect, 2 * perfect, person), Undefined)


def _trained(rng, people, gain, spread, seeds=3):
    """Two detectors, each trained several times; a training adds noise of its own to all scores."""
    labels, first, second, person = _two_detectors(rng, people, gain)
    return (
        labels,
        *([one + rng.normal() * spread * labels for _ in range(seeds)] for one in (first, second)),
        person,
    )


def test_one_training_of_each_is_the_plain_comparison():
    labels, first, second, person = _two_detectors(np.random.default_rng(3), 30, 0.5)
    plain = compare_aucs(labels, first, second, person)
    assert compare_aucs(labels, [first], [second], person) == plain
    assert not plain.seeds_counted


def test_the_mean_over_seeds_is_compared():
    labels, first, second, person = _trained(np.random.default_rng(3), 60, 0.5, 0.3)
    found = compare_aucs(labels, first, second, person)
    means = [np.mean([oracle.roc_auc_score(labels, s) for s in some]) for some in (first, second)]
    assert found.value == pytest.approx(means[0] - means[1])
    assert found.seeds_counted


def test_trainings_that_differ_widen_the_interval():
    labels, first, second, person = _trained(np.random.default_rng(3), 60, 0.5, 0.6)
    found = compare_aucs(labels, first, second, person)
    one = compare_aucs(labels, [np.mean(first, 0)], [np.mean(second, 0)], person)
    assert np.diff(found.ci95) > 2 * np.diff(one.ci95)


def test_seeds_that_differ_are_not_taken_for_a_better_method():
    """Both methods are the same; DeLong alone on single trainings would find a difference nearly always."""
    rng, with_seeds, without = np.random.default_rng(1), [], []
    for _ in range(150):
        labels, first, second, person = _trained(rng, 80, 0.0, 1.0)
        with_seeds.append(compare_aucs(labels, first, second, person).p_value < 0.05)
        without.append(compare_aucs(labels, first[0], second[0], person).p_value < 0.05)
    assert np.mean(with_seeds) < 0.09
    assert np.mean(without) > 0.5
