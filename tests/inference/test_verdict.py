"""What is said of faces and files: evidence in words, and 'cannot tell' with its reasons."""

import dataclasses
import math

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration.input_range import InputFacts
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.inference.results import Reason
from jaxfake.inference.verdict import (
    _two_digits,
    face_evidence,
    file_verdict,
    judged,
    no_face_verdict,
    refused_verdict,
    strength_words,
)
from tests.calibrated import PEOPLE, fitted

FINE = InputFacts(200.0, 9.0, 0.1)
RANGES = {"face_size": np.linspace(100.0, 400.0, 2 * PEOPLE)}
CALIBRATION = fitted(facts=RANGES)
FAKE, REAL, BETWEEN = 0.999, 0.001, 0.5


def face(score, facts=FINE, is_judged=True):
    return face_evidence(CALIBRATION, score, facts, is_judged)


def test_a_clear_score_is_evidence_with_a_ratio_and_its_interval():
    verdict = file_verdict([face(FAKE)])
    assert verdict.answer == "fake"
    assert verdict.track == 0
    assert "evidence that the face was manipulated rather than real" in verdict.words
    evidence = verdict.evidence
    low, high = evidence.log10_lr_ci95
    assert low <= evidence.log10_lr <= high
    assert evidence.probability == pytest.approx(1 / (1 + 10**-evidence.log10_lr))
    assert 0 < evidence.probability_ci95.low <= evidence.probability <= 1


def test_no_words_say_how_much_of_a_file_is_fake():
    for score in (FAKE, REAL, BETWEEN):
        assert "%" not in file_verdict([face(score)]).words


def test_a_low_score_is_evidence_for_a_real_face():
    verdict = file_verdict([face(REAL)])
    assert verdict.answer == "real"
    assert "the face is real rather than manipulated" in verdict.words


def test_a_score_like_both_classes_is_not_answered():
    verdict = file_verdict([face(BETWEEN)])
    assert verdict.answer == "cannot_tell"
    assert verdict.reasons[0].code in ("like_both", "like_neither")
    assert verdict.words.startswith("Cannot tell: ")


def test_evidence_that_is_too_weak_to_answer_by_says_which_way_it_points():
    rare = Reason("like_both", "such a score is not rare")
    for score, rather in (
        (FAKE, "for a fake as for a real face"),
        (REAL, "for a real face as for a fake"),
    ):
        undecided = dataclasses.replace(face(score), answer="cannot_tell", reasons=(rare,))
        times = f"{_two_digits(10 ** abs(undecided.evidence.log10_lr)):g} times as probable"
        said = f"It is at least {times} {rather}, which is too little to answer by."
        assert file_verdict([undecided]).words == f"Cannot tell: such a score is not rare. {said}"
    assert "probable" not in file_verdict([face(BETWEEN)]).words
    assert "probable" not in file_verdict([face(FAKE, FINE._replace(face_size=40.0))]).words


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.0, "1"), (9.96, "9.9"), (10.0, "10"), (35.9999999, "36"), (99.9, "99"), (1234.0, "1200")],
)
def test_a_ratio_is_never_shown_as_more_than_it_is(ratio, shown):
    assert f"{_two_digits(ratio):g}" == shown


def test_a_face_smaller_than_those_of_validation_is_not_answered():
    verdict = file_verdict([face(FAKE, FINE._replace(face_size=40.0))])
    assert verdict.answer == "cannot_tell"
    assert [one.code for one in verdict.reasons] == ["face_too_small"]
    assert verdict.evidence.log10_lr is None  # it would not hold


def test_without_a_calibration_there_is_no_probability():
    bare = face_evidence(Undefined("it has none"), FAKE, FINE, True)
    verdict = file_verdict([bare])
    assert verdict.answer == "cannot_tell"
    assert [one.code for one in verdict.reasons] == ["not_calibrated"]
    assert verdict.evidence.probability is None
    assert verdict.evidence.log10_lr is None


def test_a_real_file_with_many_faces_has_no_more_false_alarms_than_one_with_one():
    suspicious = next(
        score
        for score in np.linspace(0.5, 1, 2000)
        if face(score).answer == "fake" and face(score).strength.p_real > 0.05 / 2
    )
    assert file_verdict([face(suspicious)]).answer == "fake"
    verdict = file_verdict([face(REAL), face(suspicious)])
    assert verdict.answer == "cannot_tell"
    assert [one.code for one in verdict.reasons] == ["faces_disagree"]
    assert verdict.track == 1
    assert file_verdict([face(REAL), face(FAKE)]).answer == "fake"


def test_a_file_is_called_real_only_if_all_faces_that_count_are():
    assert file_verdict([face(REAL), face(REAL)]).answer == "real"
    assert file_verdict([face(REAL), face(BETWEEN)]).answer == "cannot_tell"
    assert file_verdict([face(REAL), face(BETWEEN, is_judged=False)]).answer == "real"
    assert file_verdict([face(REAL), face(FAKE, is_judged=False)]).answer == "cannot_tell"


def test_small_faces_do_not_decide_and_no_more_than_six_do():
    assert judged([100.0, 30.0, 20.0]) == [True, True, False]
    assert judged([1.0] * 8) == [True] * 6 + [False] * 2


def test_files_without_a_face_and_unreadable_ones_have_reasons():
    assert no_face_verdict().reasons[0].code == "no_face"
    refused = refused_verdict("the picture is cut short")
    assert refused.reasons[0].code == "unreadable"
    assert "the picture is cut short" in refused.words


@pytest.mark.parametrize(
    ("times", "words"),
    [(1.5, ""), (3, "weak"), (30, "moderate"), (300, "moderately strong"), (3000, "strong")],
)
def test_words_follow_the_scale_whichever_way_a_ratio_points(times, words):
    assert strength_words(math.log10(times)) == words
    assert strength_words(-math.log10(times)) == words
