"""Promised error rates are kept for new people, also where a person has many videos."""

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration.conformal import (
    alarm_threshold,
    answers,
    p_fake,
    p_real,
)
from jaxfake.evaluation.evidence.calibration.fit import fit
from jaxfake.evaluation.metrics.undefined import Undefined
from tests.evaluation.evidence.calibration.cases import SOURCE, drawn, fitted


def test_with_one_video_a_person_it_is_the_plain_conformal_value():
    labels, scores, person = drawn(0, people=30)
    found = fit("platt", labels, scores, person, SOURCE)
    reals, fakes = scores[labels == 0], scores[labels == 1]
    for score in (0.01, reals[3], 0.5, fakes[7], 0.99):
        (real,), (fake,) = (rule(found, np.array([score])) for rule in (p_real, p_fake))
        assert real == pytest.approx((1 + (reals >= score).sum()) / 31)
        assert fake == pytest.approx((1 + (fakes <= score).sum()) / 31)


@pytest.mark.parametrize("videos", [1, 4])
def test_the_promise_is_kept_for_new_people(videos):
    error, wrong, alarms = 0.1, [], []
    for seed in range(60):
        found = fitted(people=25, videos=videos, seed=seed)
        labels, scores, _ = drawn(1000 + seed, people=60)
        said = np.array(answers(found, scores, error))
        wrong.append(((said == "fake") & (labels == 0)).sum() / 60)
        wrong.append(((said == "real") & (labels == 1)).sum() / 60)
        threshold = found.to_score(alarm_threshold(found, error))
        alarms.append((scores[labels == 0] >= threshold).mean())
    # 60 calibrations: their mean may exceed what is promised by chance only, some 0.01.
    assert np.mean(wrong) <= error + 0.015
    assert np.mean(alarms) <= error + 0.015
    assert np.mean(alarms) > 0.03  # and the promise is not kept by never calling anything fake


def test_the_promise_is_kept_in_each_condition():
    """Where one condition raises the scores of reals, and another lowers those of fakes."""
    labels, scores, person = drawn(7, people=60)
    moved = np.clip(np.r_[scores, scores + 0.2, scores - 0.2], 0, 1)
    condition = np.repeat(["as stored", "jpeg:4", "blur:2"], len(labels))
    labels, person = np.tile(labels, 3), np.tile(person, 3)
    found = fit("platt", labels, moved, person, SOURCE, condition)
    alone = [
        fit("platt", labels[at], moved[at], person[at], SOURCE)
        for at in (condition == name for name in dict.fromkeys(condition))
    ]
    assert found.perturbations == ("jpeg:4", "blur:2")
    for rule in (p_real, p_fake):
        each = [rule(one, scores) for one in alone]
        assert rule(found, scores).tolist() == np.max(each, axis=0).tolist()
    assert alarm_threshold(found, 0.05) == max(alarm_threshold(one, 0.05) for one in alone)
    assert found.fitted_on.real == found.fitted_on.people_real == 60


def test_many_videos_of_a_person_do_not_promise_more():
    once, often = fitted(people=30), fitted(people=30, videos=10)
    assert isinstance(alarm_threshold(once, 0.01), Undefined)
    assert isinstance(alarm_threshold(often, 0.01), Undefined)
    assert "99 people" in alarm_threshold(often, 0.01).reason


def test_a_threshold_calls_exactly_what_its_rate_allows():
    labels, scores, person = drawn(4, people=99)
    found = fit("platt", labels, scores, person, SOURCE)
    for rate, allowed in ((0.01, 0), (0.05, 4), (0.1, 9)):
        threshold = found.to_score(alarm_threshold(found, rate))
        assert (scores[labels == 0] >= threshold).sum() == allowed


def test_ties_are_called_together_or_not_at_all():
    labels, person = np.repeat([0, 1], 40), np.arange(80)
    scores = np.where(labels == 1, 0.9, np.repeat([0.1, 0.5], 40))
    scores[:20] = 0.5
    found = fit("platt", labels, scores, person, SOURCE)
    threshold = found.to_score(alarm_threshold(found, 0.1))
    assert 0.5 < threshold < 0.9


def test_a_detector_that_knows_nothing_abstains():
    found = fitted(gain=0.2, people=100)
    said = answers(found, np.linspace(0.2, 0.7, 20), 0.05)
    assert set(said) == {"like_both"}


def test_a_score_like_neither_class_is_not_answered():
    labels, person = np.repeat([0, 1], 50), np.arange(100)
    scores = np.where(labels == 1, 0.9, 0.1) + np.linspace(0, 0.01, 100)
    found = fit("platt", labels, scores, person, SOURCE)
    assert answers(found, np.array([0.5, scores[25], scores[75]]), 0.05) == [
        "like_neither",
        "real",
        "fake",
    ]


def test_reals_with_the_highest_possible_score_allow_no_threshold():
    labels, scores, person = drawn(0, people=60, gain=5.0)
    scores[:8] = 1.0
    found = fit("platt", labels, scores, person, SOURCE)
    assert "highest possible score" in alarm_threshold(found, 0.1).reason
