"""A detector is calibrated on its validation split, and not measured on what it was calibrated on."""

import dataclasses

import numpy as np
import pytest

from jaxfake.data import source_table
from jaxfake.data.preparation.source_facts.attributes import FileAttributes
from jaxfake.data.source_table import Source
from jaxfake.evaluation import missing_videos
from jaxfake.evaluation.aggregate import per_video, with_missing
from jaxfake.evaluation.evidence.calibration import of_detector
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.calibration.held_people import held_people
from jaxfake.evaluation.evidence.calibration.input_range import facts_of_face
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from tests.in_memory import build_dataset, random_scores


def split(tmp_path, name, people=60):
    videos = [
        (m, f"{n:03}", label, 4) for label, m in enumerate(("real", "lips")) for n in range(people)
    ]
    faces = dataclasses.replace(build_dataset(videos), folder=tmp_path / name / "1.0.0", split=name)
    faces.folder.mkdir(parents=True)
    return faces


def calibrated(monkeypatch, faces, rows=None):
    def score(method, params, faces, rows, scoring):
        everything = random_scores(faces)
        return FrameScores(rows, everything.score[rows], {})

    monkeypatch.setattr(of_detector, "score_frames", score)
    rows = np.arange(len(faces)) if rows is None else rows
    return of_detector.calibrate(None, None, faces, rows, None, "mean", "the detector")


def test_a_split_gives_a_calibration_that_names_it(tmp_path, monkeypatch):
    val, test = split(tmp_path, "val"), split(tmp_path, "test")
    found = calibrated(monkeypatch, val)
    assert isinstance(found, Calibration)
    assert (found.fitted_on.split, found.fitted_on.detector) == ("val", "the detector")
    assert found.fitted_on.sha256 == val.digest
    assert {one.name for one in found.ranges} == {
        "face_size",
        "sharpness",
    }  # no landmarks, no files
    frames = random_scores(test, seed=1)
    measured = of_detector.measure_detector(found, test, frames, per_video(test.index, frames))
    assert measured.calibration == found
    assert len(measured.labels) == 120


def test_only_the_people_who_are_kept_for_it_count(tmp_path, monkeypatch):
    val = split(tmp_path, "val")
    held = held_people(val.index.identity, 0.5, seed=0)
    fitted_on = calibrated(monkeypatch, val, np.flatnonzero(held)).fitted_on
    assert (fitted_on.people_real, fitted_on.people_fake) == (30, 30)
    assert fitted_on.sha256 == val.digest  # the whole split is refused as a test
    few = calibrated(monkeypatch, val, np.flatnonzero(val.index.identity < "person 009"))
    assert "needs 10 people of each class, and there are 9" in few.reason


@pytest.mark.parametrize(
    ("name", "people", "why"), [("val", 8, "10 people"), ("test", 60, "test split")]
)
def test_what_cannot_be_calibrated_has_a_reason(tmp_path, monkeypatch, name, people, why):
    found = calibrated(monkeypatch, split(tmp_path, name, people))
    assert isinstance(found, Undefined)
    assert why in found.reason
    assert of_detector.measure_detector(found, None, None, None) == found


def test_the_faces_of_the_calibration_do_not_measure_it(tmp_path, monkeypatch):
    val = split(tmp_path, "val")
    found, frames = calibrated(monkeypatch, val), random_scores(val)
    same = of_detector.measure_detector(found, val, frames, per_video(val.index, frames))
    assert "these very faces" in same.reason


def test_a_video_without_a_face_is_not_answered(tmp_path, monkeypatch):
    found, test = calibrated(monkeypatch, split(tmp_path, "val")), split(tmp_path, "test")
    frames = random_scores(test, seed=1)
    videos = per_video(test.index, frames)
    missing = missing_videos.columns(
        [("toys", "real", f"m{n}", "p", 0, "no_face") for n in range(30)]
    )
    measured = of_detector.measure_detector(found, test, frames, with_missing(videos, missing, 0.5))
    assert len(measured.labels) == 150
    assert measured.abstention.out_of_range >= 30 / 150


def test_facts_are_of_a_videos_own_faces_and_file(tmp_path):
    faces = split(tmp_path, "val", people=3)
    sources = [
        Source(
            "a.mp4", "val", "lips", 1, "001", "p", "", "ok", FileAttributes(bytes_per_pixel=0.25)
        ),
        Source(
            "b.mp4", "test", "lips", 1, "002", "p", "", "ok", FileAttributes(bytes_per_pixel=0.5)
        ),
    ]
    source_table.write(faces.folder, sources)
    frames = FrameScores(np.arange(len(faces))[::-1], np.zeros(len(faces)), {})
    videos = per_video(faces.index, frames)
    facts = of_detector.input_facts(faces, frames, videos)
    for video, found in enumerate(facts):
        own = np.flatnonzero(
            (faces.index.method == videos.method[video])
            & (faces.index.video_id == videos.video_id[video])
        )
        sharpness = [facts_of_face(faces[int(row)]).sharpness for row in own]
        assert min(sharpness) <= found.sharpness <= max(sharpness)
        is_known = (videos.method[video], videos.video_id[video]) == ("lips", "001")
        assert (found.bytes_per_pixel == 0.25) == is_known
        assert np.isnan(found.bytes_per_pixel) != is_known
