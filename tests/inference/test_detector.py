"""The Python API: a file or frames in, a typed result out."""

import numpy as np
import pytest

import jaxfake
from jaxfake.faces.images import read_image
from jaxfake.inference.job import DetectionJob, run_job
from jaxfake.runtime.errors import InputError
from tests.data.preparation import stand_in


def test_a_run_is_loaded_by_its_folder(calibrated_run, one_device):
    assert jaxfake.load(calibrated_run).model.facts.method == "mover"
    with pytest.raises(InputError, match="there is no folder"):
        jaxfake.load("/no/where")


def test_a_file_has_the_result_that_the_command_gives_it(detector, tmp_path):
    stand_in.clip(tmp_path / "asked" / "clip.mp4", 1)
    (by_command,) = run_job(DetectionJob((tmp_path / "asked",), tmp_path / "out"), detector).files
    here = detector.score(tmp_path / "asked" / "clip.mp4", tmp_path / "out")
    assert here == by_command
    without_pictures = detector.score(str(tmp_path / "asked" / "clip.mp4"))
    assert without_pictures.verdict == here.verdict
    assert without_pictures.tracks[0].frames[0].strip is None


def test_a_score_does_not_depend_on_what_a_file_is_called(detector, tmp_path):
    stand_in.picture(tmp_path / "a.png", 1)
    stand_in.picture(tmp_path / "real" / "another name.png", 1)
    one, other = (detector.score(tmp_path / name) for name in ("a.png", "real/another name.png"))
    assert one.tracks[0].score == other.tracks[0].score


def test_frames_in_memory_are_followed_like_those_of_a_file(detector, tmp_path):
    pictures = []
    for number in range(3):
        stand_in.picture(tmp_path / f"{number}.png", number)
        pictures.append(read_image(tmp_path / f"{number}.png"))
    found = detector.score(pictures)
    assert found.status == "scored"
    assert found.file.kind == "frames"
    assert [frame.frame for frame in found.tracks[0].frames] == [0, 1, 2]
    assert detector.score(np.stack(pictures)).tracks == found.tracks
    black = detector.score([np.zeros((48, 48, 3), np.uint8)])
    assert black.status == "no_face"


def test_an_array_that_is_no_picture_is_refused(detector):
    with pytest.raises(InputError, match=r"a frame is uint8 \[H, W, 3\]"):
        detector.score([np.zeros((48, 48), np.uint8)])
    with pytest.raises(InputError, match="there is no file"):
        detector.score("/no/where.png")
    with pytest.raises(InputError, match="no frame"):
        detector.score([])


def test_a_folder_of_several_files_is_not_one(detector, tmp_path):
    for name in ("a.png", "b.png"):
        stand_in.picture(tmp_path / name, 1)
    with pytest.raises(InputError, match="holds 2 files"):
        detector.score(tmp_path)
