import numpy as np
import pytest
from scipy.stats import norm

from jaxfake.evaluation.metrics.auc_interval import measure_auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined


def _drawn(rng, auc, people, per_person, alike, split=False):
    """Scores of new people: labels, scores and who is shown.

    Args:
        auc: between the videos of different people.
        people: how many.
        per_person: real and fake videos of each.
        alike: share of the variance that all videos of a person have in common, and that those of one
            class of a person have in common.
        split: half of the people have reals only, and the others fakes only.
    """
    labels = np.repeat([0, 1], [per_person[0] * people, per_person[1] * people])
    person = np.concatenate([np.repeat(np.arange(people), count) for count in per_person])
    kept = (person < people // 2) == (labels == 1) if split else np.ones(len(labels), bool)
    common, own = rng.normal(size=people) * alike[0] ** 0.5, rng.normal(size=(people, 2))
    scores = common[person] + own[person, labels] * alike[1] ** 0.5
    scores += rng.normal(size=len(labels)) * (1 - sum(alike)) ** 0.5
    scores += labels * norm.ppf(auc) * 2**0.5
    return labels[kept], scores[kept], person[kept]


@pytest.mark.slow
@pytest.mark.parametrize("auc", [0.7, 0.9, 0.97, 0.99])
@pytest.mark.parametrize(
    "design",
    [
        {"people": 20, "per_person": (1, 1), "alike": (0.0, 0.0)},
        {"people": 20, "per_person": (1, 4), "alike": (0.3, 0.3)},
        {"people": 20, "per_person": (5, 5), "alike": (0.3, 0.3)},
        {"people": 40, "per_person": (1, 1), "alike": (0.0, 0.0), "split": True},
        {"people": 120, "per_person": (1, 2), "alike": (0.2, 0.2)},
    ],
    ids=["one video each", "four fakes", "five of each", "reals or fakes", "120 people"],
)
def test_the_interval_covers_the_truth(design, auc):
    rng = np.random.default_rng(7)
    intervals = [measure_auc(*_drawn(rng, auc, **design)).ci95 for _ in range(400)]
    assert np.mean([low <= auc <= high for low, high in intervals]) >= 0.92


def test_it_agrees_with_the_normal_approximation_for_many_people():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 400)
    auc = measure_auc(labels, rng.normal(size=800) + labels * 0.5, np.arange(800))
    # Hanley and McNeil, 1982: standard error of an AUC.
    a = auc.value
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + 399 * (q1 - a * a) + 399 * (q2 - a * a)) / 400**2)
    assert auc.ci95.low == pytest.approx(a - 1.96 * error, abs=0.005)
    assert auc.ci95.high == pytest.approx(a + 1.96 * error, abs=0.005)


@pytest.mark.parametrize(("people", "lowest"), [(10, 0.7), (30, 0.88), (120, 0.96)])
def test_without_an_error_the_bound_follows_from_the_number_of_people(people, lowest):
    labels = np.repeat([0, 1], people)
    auc = measure_auc(labels, labels + np.linspace(0, 0.5, 2 * people), np.arange(2 * people))
    assert auc.value == auc.ci95.high == 1.0
    assert lowest < auc.ci95.low < lowest + 0.1
    mirrored = measure_auc(labels, -labels.astype(float), np.arange(2 * people))
    assert mirrored.ci95 == (0.0, pytest.approx(1.0 - auc.ci95.low))


def test_scores_that_say_nothing():
    auc = measure_auc(np.repeat([0, 1], 30), np.zeros(60), np.arange(60))
    assert auc.value == 0.5
    assert auc.ci95.low < 0.5 < auc.ci95.high


def test_more_videos_of_the_same_people_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    labels, scores, people = np.repeat([0, 1], 20), rng.normal(size=40), np.arange(40)
    once = measure_auc(labels, scores, people)
    often = measure_auc(*(np.repeat(part, 10) for part in (labels, scores, people)))
    assert (often.n_real, often.people_real) == (200, 20) == (10 * once.n_real, once.people_real)
    np.testing.assert_allclose(often.ci95, once.ci95, atol=1e-9)


def test_people_with_both_classes_are_compared_with_themselves():
    """Fakes that beat the reals of their own person, but hardly those of others."""
    rng = np.random.default_rng(0)
    people, labels = np.tile(np.arange(60), 2), np.repeat([0, 1], 60)
    scores = 5.0 * np.tile(rng.normal(size=60), 2) + labels + rng.normal(size=120)
    whole = measure_auc(labels, scores, people).ci95
    apart = measure_auc(labels, scores, np.arange(120)).ci95
    assert whole.high - whole.low < 0.7 * (apart.high - apart.low)


def test_one_person_of_a_class_has_an_auc_and_no_interval():
    auc = measure_auc(np.array([0, 0, 1]), np.array([0.0, 2.0, 1.0]), np.arange(3))
    assert auc.value == 0.5
    assert isinstance(auc.ci95, Undefined)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_neither_auc_nor_interval(label):
    auc = measure_auc(np.full(5, label), np.arange(5.0), np.arange(5))
    assert isinstance(auc.value, Undefined)
    assert "both classes" in auc.value.reason
    assert isinstance(auc.ci95, Undefined)
    assert (auc.n_real, auc.n_fake) == ((5, 0) if label == 0 else (0, 5))


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_is_around_the_value_for_any_small_sample(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        size = int(rng.integers(4, 12))
        labels = np.resize([0, 0, 1, 1], size)
        auc = measure_auc(labels, rng.integers(0, 4, size).astype(float), rng.integers(0, 6, size))
        if isinstance(auc.ci95, Interval):
            assert 0.0 <= auc.ci95.low <= auc.value <= auc.ci95.high <= 1.0
