"""A job over many files: named refusals, exit on request, and results that are used again."""

import json
from pathlib import Path

import jsonschema
import pytest

from jaxfake.inference import job, results
from jaxfake.inference.job import DetectionJob, run_job
from jaxfake.inference.jobs.kept import WORK, KeptResults
from jaxfake.runtime.errors import InputError, Preempted
from tests.data.preparation import stand_in


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Two photographs, a clip, a picture without a face, and a file that is none."""
    folder = tmp_path / "asked"
    stand_in.picture(folder / "anna.png", 1)
    stand_in.picture(folder / "<b>bold</b>.png", 2)
    stand_in.clip(folder / "clip.mp4", 3)
    (folder / "broken.jpg").write_bytes(b"nonsense")
    return folder


def run(detector, asked, tmp_path, **more):
    return run_job(DetectionJob((asked,), tmp_path / "out", **more), detector)


def test_every_file_has_a_result_or_a_named_refusal(detector, asked, tmp_path, capsys):
    progress = tmp_path / "progress.json"
    found = run(detector, asked, tmp_path, progress_file=progress)
    by_name = {one.file.name: one for one in found.files}
    assert {name: one.status for name, one in by_name.items()} == {
        "anna.png": "scored",
        "b>.png": "scored",
        "clip.mp4": "scored",
        "broken.jpg": "refused",
    }
    assert "refused: " in capsys.readouterr().out
    clip = by_name["clip.mp4"].tracks[0]
    assert [one.frame for one in clip.frames] == [0, 2, 3]
    assert [one.time for one in clip.frames] == pytest.approx([0, 0.08, 0.12])
    for frame in clip.frames:
        assert (tmp_path / "out" / frame.thumbnail).is_file()
        assert (tmp_path / "out" / frame.strip).is_file()
    said = json.loads(progress.read_text())
    assert said == {
        "stage": "writing",
        "file": said["file"],
        "files_done": 4,
        "files": 4,
        "frames_done": 5,
        "frames": 5,
    }
    assert not (tmp_path / "out" / WORK).exists()


def test_the_file_of_results_is_as_its_schema_says_and_can_be_read_again(detector, asked, tmp_path):
    found = run(detector, asked, tmp_path)
    path = tmp_path / "out" / "results.json"
    schema = json.loads(results.SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(path.read_text()), schema)
    assert results.read(path) == found


def test_without_a_calibration_results_say_so_and_give_no_probability(
    uncalibrated, asked, tmp_path
):
    found = run(uncalibrated, asked, tmp_path)
    assert not found.runtime.calibrated
    for one in found.files:
        assert one.verdict.answer == "cannot_tell"
        assert one.verdict.evidence.probability is None


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """Grows by the path of each file that is given a result."""
    paths: list[str] = []
    finished = job.JobProgress.finished
    monkeypatch.setattr(
        job.JobProgress,
        "finished",
        lambda self, result: (paths.append(result.file.path), finished(self, result)),
    )
    return paths


def test_a_job_that_was_stopped_goes_on_with_the_files_that_are_left(
    detector, asked, tmp_path, monkeypatch, scored
):
    with monkeypatch.context() as stopping:
        keep = KeptResults.keep

        def stop_after_two(self, file, result):
            if len(scored) == 2:
                raise KeyboardInterrupt
            keep(self, file, result)

        stopping.setattr(KeptResults, "keep", stop_after_two)
        with pytest.raises(Preempted, match="2 of 4 files are kept"):
            run(detector, asked, tmp_path)
    stopped_and_resumed = run(detector, asked, tmp_path)
    assert sorted(scored) == sorted(one.file.path for one in stopped_and_resumed.files)
    at_once = run_job(DetectionJob((asked,), tmp_path / "other"), detector)
    assert stopped_and_resumed == at_once


def test_results_are_used_again_unless_file_or_detector_changed(
    detector, uncalibrated, asked, tmp_path, scored
):
    run(detector, asked, tmp_path)
    stand_in.picture(asked / "anna.png", 9)
    scored.clear()
    run(detector, asked, tmp_path)
    assert sorted(Path(path).name for path in scored) == ["anna.png", "broken.jpg"]
    scored.clear()
    run(uncalibrated, asked, tmp_path)
    assert len(scored) == 4


def test_a_file_that_does_not_exist_is_a_mistake_of_the_command(detector, tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        run(detector, tmp_path / "nothing", tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_score_that_is_not_finite_refuses_that_file_alone(detector, asked, tmp_path, monkeypatch):
    score = job.score_tracks

    def failing(model, tracks, most_shown):
        if any(len(one) == 3 for one in tracks):
            raise ValueError("the score of a frame is not finite")
        return score(model, tracks, most_shown)

    monkeypatch.setattr(job, "score_tracks", failing)
    found = run(detector, asked, tmp_path)
    refused = {one.file.name: one.refusal for one in found.files if one.status == "refused"}
    assert refused.keys() == {"clip.mp4", "broken.jpg"}
    assert "not finite" in refused["clip.mp4"]
