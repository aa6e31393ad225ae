"""What is said of one file, with the reasons for which nothing is decided."""

import dataclasses
import math

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration.input_range import (
    InputFacts,
    facts_of_face,
    fit_ranges,
    of_video,
    reasons,
    turn_of,
)
from jaxfake.evaluation.evidence.calibration.strength import strength_of
from tests.evaluation.evidence.calibration.cases import fitted
from tests.in_memory import build_dataset

USUAL = InputFacts(face_size=200.0, sharpness=6.0, turn=0.1, photograph_bytes_per_pixel=0.1)


@pytest.fixture(scope="module")
def found():
    rng, names = np.random.default_rng(0), InputFacts._fields
    facts = {n: v * rng.uniform(0.5, 1.5, 200) for n, v in zip(names, USUAL, strict=True)}
    return dataclasses.replace(fitted(gain=4.0), ranges=fit_ranges(facts))


def test_strong_evidence_is_decided_and_names_its_calibration(found):
    strong = strength_of(found, 0.999, USUAL)
    assert (strong.verdict, strong.likeness, strong.reasons) == ("fake", "fake", ())
    assert strong.log10_lr > 1
    assert strong.chance == pytest.approx(1 / (1 + 10**-strong.log10_lr))
    assert strong.calibration == found.sha256
    weak = strength_of(found, 0.01, USUAL)
    assert weak.verdict == "real"
    assert weak.log10_lr < 0


def test_a_ratio_at_its_limit_says_so(found):
    assert strength_of(found, 1.0, USUAL).at_limit
    assert strength_of(found, 1.0, USUAL).log10_lr == pytest.approx(math.log10(201))
    assert not strength_of(found, 0.5, USUAL).at_limit


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"face_size": 20.0}, "face_too_small"),
        ({"sharpness": 0.5}, "face_too_blurred"),
        ({"turn": 0.45}, "face_turned"),
        ({"photograph_bytes_per_pixel": 0.001}, "compression_unlike"),
        ({"photograph_bytes_per_pixel": 3.0}, "compression_unlike"),
    ],
)
def test_an_input_unlike_validation_is_not_decided_and_says_why(found, change, code):
    unlike = strength_of(found, 0.999, USUAL._replace(**change))
    assert unlike.verdict == "undecided"
    assert [one.code for one in unlike.reasons] == [code]
    (value,) = change.values()
    assert f"is {value:.3g}" in unlike.reasons[0].sentence


def test_a_kind_of_file_that_validation_had_not_is_not_decided(found):
    video = USUAL._replace(photograph_bytes_per_pixel=math.nan, video_bytes_per_pixel=0.1)
    (reason,) = reasons(found.ranges, video)
    assert reason.code == "compression_unlike"
    assert "it is a video, of which validation had fewer than 50" in reason.sentence
    nothing_known = [one for one in found.ranges if one.name != "photograph_bytes_per_pixel"]
    assert reasons(nothing_known, video) == []


def test_a_fact_without_bounds_is_like_validation_whatever_its_value():
    facts = {"photograph_bytes_per_pixel": np.linspace(0.1, 0.2, 100)}
    video = USUAL._replace(photograph_bytes_per_pixel=math.nan, video_bytes_per_pixel=1e-5)
    assert [one.code for one in reasons(fit_ranges(facts), video)] == ["compression_unlike"]
    assert reasons(fit_ranges(facts, {"video_bytes_per_pixel"}), video) == []


def test_larger_sharper_and_unknown_inputs_are_no_reason(found):
    fine = InputFacts(2000.0, 20.0, 0.0, math.nan)
    assert strength_of(found, 0.999, fine).reasons == ()
    assert strength_of(found, 0.999, None).reasons == ()


def test_a_fact_that_few_videos_have_bounds_nothing():
    known = np.r_[np.full(49, 5.0), np.full(100, np.nan)]
    assert fit_ranges({"sharpness": known}) == ()
    assert reasons(fit_ranges({}), USUAL) == []


def test_facts_are_measured_on_faces():
    dataset = build_dataset([("real", "a", 0, 1)])
    facts = facts_of_face(dataset[0])
    assert facts.face_size == dataset[0].image.shape[0]
    assert facts.sharpness > 5  # noise
    assert math.isnan(facts.turn)  # no landmarks
    flat = dataset[0]._replace(image=np.full_like(dataset[0].image, 7))
    assert facts_of_face(flat).sharpness == 0
    half = dataset[0]._replace(matrix=np.eye(2, 3, dtype=np.float32) * 2)
    assert facts_of_face(half).face_size == facts.face_size / 2


def test_a_turned_head_moves_the_nose_along_the_eyes():
    marks = np.zeros((68, 2), np.float32)
    marks[36], marks[45], marks[30] = (10, 10), (50, 10), (30, 30)
    assert turn_of(marks) == pytest.approx(0)
    marks[30] = (20, 30)
    assert turn_of(marks) == pytest.approx(0.25)
    angle = 0.4
    tilt = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    assert turn_of((marks @ tilt.T).astype(np.float32)) == pytest.approx(0.25, abs=1e-5)


def test_the_facts_of_a_video_are_medians_of_what_is_known():
    faces = [USUAL._replace(turn=turn) for turn in (0.1, math.nan, 0.3, 0.2)]
    assert of_video(faces).turn == pytest.approx(0.2)
    assert math.isnan(of_video([]).turn)
