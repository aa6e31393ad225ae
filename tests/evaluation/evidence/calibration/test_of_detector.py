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
from jaxfake.evaluation.evidence.calibration.calibration import Calibration, InputRange
from jaxfake.evaluation.evidence.calibration.held_people import held_people
from jaxfake.evaluation.evidence.calibration.input_range import facts_of_face
from jaxfake.evaluation.evidence.robustness.perturbation_level import parse_levels
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


def calibrated(val, rows=None, under=()):
    """Scores that a perturbation raises by .1."""

    def score(faces, rows):
        raised = 0.1 * (faces is not val)
        return FrameScores(rows, np.minimum(random_scores(val).score[rows] + raised, 1), {})

    rows = np.arange(len(val)) if rows is None else rows
    return of_detector.calibrate(score, val, rows, "mean", "the detector", under)


def test_a_split_gives_a_calibration_that_names_it(tmp_path):
    val, test = split(tmp_path, "val"), split(tmp_path, "test")
    found = calibrated(val)
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


def test_under_perturbations_ratios_are_of_all_conditions_and_ranges_as_wide(tmp_path):
    val = split(tmp_path, "val")
    files = FileAttributes(bytes_per_pixel=0.25, is_clip=0.0)
    videos = zip(val.index.method, val.index.video_id, val.index.label, strict=True)
    source_table.write(
        val.folder,
        [
            Source(f"{m}{v}", "val", m, int(label), v, "p", "", "ok", files)
            for m, v, label in dict.fromkeys(videos)
        ],
    )
    stored = calibrated(val)
    found = calibrated(val, under=parse_levels("under", ["resize:4", "blur:5", "social:1"]))
    assert found.perturbations == ("resize:4", "blur:5", "social:1")
    assert found.slope != stored.slope
    assert found.fitted_on == stored.fitted_on
    was, now = ({one.name: one for one in calibration.ranges} for calibration in (stored, found))
    side = val.size
    assert (was["face_size"].low, now["face_size"].low) == (side, pytest.approx(0.3 * side))
    assert now["sharpness"].low < was["sharpness"].low - 1
    assert now["photograph_bytes_per_pixel"] == was["photograph_bytes_per_pixel"]
    assert "video_bytes_per_pixel" not in was
    assert now["video_bytes_per_pixel"] == InputRange("video_bytes_per_pixel", None, None)


def test_only_the_people_who_are_kept_for_it_count(tmp_path):
    val = split(tmp_path, "val")
    held = held_people(val.index.identity, 0.5, seed=0)
    fitted_on = calibrated(val, np.flatnonzero(held)).fitted_on
    assert (fitted_on.people_real, fitted_on.people_fake) == (30, 30)
    assert fitted_on.sha256 == val.digest  # the whole split is refused as a test
    few = calibrated(val, np.flatnonzero(val.index.identity < "person 009"))
    assert "needs 10 people of each class, and there are 9" in few.reason


@pytest.mark.parametrize(
    ("name", "people", "why"), [("val", 8, "10 people"), ("test", 60, "test split")]
)
def test_what_cannot_be_calibrated_has_a_reason(tmp_path, name, people, why):
    found = calibrated(split(tmp_path, name, people))
    assert isinstance(found, Undefined)
    assert why in found.reason
    assert of_detector.measure_detector(found, None, None, None) == found


def test_the_faces_of_the_calibration_do_not_measure_it(tmp_path):
    val = split(tmp_path, "val")
    found, frames = calibrated(val), random_scores(val)
    same = of_detector.measure_detector(found, val, frames, per_video(val.index, frames))
    assert "these very faces" in same.reason


def test_a_video_without_a_face_is_not_answered(tmp_path):
    found, test = calibrated(split(tmp_path, "val")), split(tmp_path, "test")
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
    files = [FileAttributes(bytes_per_pixel=size, is_clip=1.0) for size in (0.25, 0.5)]
    sources = [
        Source("a.mp4", "val", "lips", 1, "001", "p", "", "ok", files[0]),
        Source("b.mp4", "test", "lips", 1, "002", "p", "", "ok", files[1]),
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
        assert (found.video_bytes_per_pixel == 0.25) == is_known
        assert np.isnan(found.video_bytes_per_pixel) != is_known
        assert np.isnan(found.photograph_bytes_per_pixel)
