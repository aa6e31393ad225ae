"""Videos with their faces marked."""

import cv2
import numpy as np
import pytest

from jaxfake.faces import video
from jaxfake.inference.job import DetectionJob, run_job
from jaxfake.inference.report import annotated
from jaxfake.inference.results import Box, FrameResult
from tests.data.preparation import stand_in

FRAMES = (
    FrameResult(10, None, Box(0.0, 0.0, 10.0, 10.0), 0.2),
    FrameResult(20, None, Box(10.0, 20.0, 30.0, 40.0), 0.8),
)


@pytest.mark.parametrize(
    ("number", "box", "score"),
    [
        (10, (0, 0, 10, 10), 0.2),
        (12, (2, 4, 14, 16), 0.2),
        (18, (8, 16, 26, 34), 0.8),
        (20, (10, 20, 30, 40), 0.8),
    ],
)
def test_a_box_moves_in_a_line_between_frames_that_were_scored(number, box, score):
    found = annotated._at(FRAMES, number)
    assert found.box == pytest.approx(box)
    assert found.score == score


@pytest.mark.parametrize("number", [0, 9, 21])
def test_a_face_is_not_marked_before_and_after_it_was_seen(number):
    assert annotated._at(FRAMES, number) is None


def test_every_video_has_a_marked_copy_with_all_its_frames(detector, tmp_path):
    stand_in.clip(tmp_path / "asked" / "clip.mp4", 1)
    stand_in.picture(tmp_path / "asked" / "a.png", 2)
    found = run_job(DetectionJob((tmp_path / "asked",), tmp_path / "out", annotate=True), detector)
    photo, clip = found.files
    assert photo.annotated is None
    marked = tmp_path / "out" / clip.annotated
    before = [frame.image for frame in video.read_frames(tmp_path / "asked" / "clip.mp4", range(4))]
    after = [frame.image for frame in video.read_frames(marked, range(4))]
    assert len(after) == len(before) == 4
    assert after[0].shape == before[0].shape
    assert (np.abs(after[0].astype(int) - before[0]).max(-1) > 100).any()  # the box is drawn


def test_a_video_that_cannot_be_decoded_again_leaves_nothing(detector, tmp_path, monkeypatch):
    stand_in.clip(tmp_path / "asked" / "clip.mp4", 1)

    def broken(*_):
        raise cv2.error("no more")

    monkeypatch.setattr(annotated, "_frames", broken)
    found = run_job(DetectionJob((tmp_path / "asked",), tmp_path / "out", annotate=True), detector)
    assert found.files[0].annotated is None
    assert list((tmp_path / "out" / "annotated").iterdir()) == []
