"""An archive's results are lines in shards: the same as in results.json, and used again like those."""

import json
from pathlib import Path

import jsonschema
import pytest

from jaxfake.inference import job, results
from jaxfake.inference.job import DetectionJob, run_job, score_here
from jaxfake.inference.jobs import archive
from jaxfake.runtime.errors import InputError
from tests.data.preparation import stand_in

NAMES = ["anna.png", "broken.jpg", "béa 李.png", "cleo.png", "dora.png"]


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Four photographs, and a file that is none."""
    folder = tmp_path / "asked"
    for number, name in enumerate(NAMES):
        stand_in.picture(folder / name, number)
    (folder / "broken.jpg").write_bytes(b"nonsense")
    return folder


@pytest.fixture
def scored(monkeypatch) -> list[str]:
    """Grows by the name of each file that is given a result; there are two results in a shard."""
    monkeypatch.setattr(archive, "FILES_OF_A_SHARD", 2)
    names: list[str] = []
    finished = job.JobProgress.finished
    monkeypatch.setattr(
        job.JobProgress,
        "finished",
        lambda self, result: (names.append(result.file.name), finished(self, result)),
    )
    return names


def run(detector, asked: Path, out: Path) -> archive.Summary:
    wanted = DetectionJob((asked,), out, pictures=False)
    return archive.run_archive(score_here, wanted, detector)


def lines(out: Path) -> list[dict[str, object]]:
    shards = sorted(out.glob("*.jsonl"))
    return [json.loads(line) for shard in shards for line in shard.read_text("ascii").splitlines()]


def test_the_lines_are_the_files_of_results(detector, asked, tmp_path, scored):
    out = tmp_path / "out"
    summary = run(detector, asked, out)
    assert sorted(one.name for one in out.iterdir() if not one.name.startswith(".")) == [
        "results-00000-of-00003.jsonl",
        "results-00001-of-00003.jsonl",
        "results-00002-of-00003.jsonl",
        "results-summary.json",
    ]
    assert [one["file"]["name"] for one in lines(out)] == NAMES
    assert summary.counts == {"files": 5, "scored": 4, "no_face": 0, "refused": 1}
    assert sum(summary.answers.values()) == 5
    assert archive.read_summary(out) == summary
    run_job(DetectionJob((asked,), tmp_path / "whole", pictures=False), detector)
    assert lines(out) == json.loads((tmp_path / "whole" / "results.json").read_text())["files"]
    schema = json.loads(results.SCHEMA_FILE.read_text())
    of_a_file = {**schema["properties"]["files"]["items"], "$defs": schema["$defs"]}
    for line in lines(out):
        jsonschema.validate(line, of_a_file)


def test_a_finished_archive_is_used_again_as_far_as_it_is_whole(detector, asked, tmp_path, scored):
    out = tmp_path / "out"
    run(detector, asked, out)
    before = {one.name: one.read_bytes() for one in out.glob("results-*")}
    scored.clear()
    run(detector, asked, out)
    assert scored == ["broken.jpg"]
    (out / "results-00001-of-00003.jsonl").write_text('{"file": ')
    scored.clear()
    run(detector, asked, out)
    assert sorted(scored) == NAMES[1:]
    assert {one.name: one.read_bytes() for one in out.glob("results-*")} == before


def test_an_archive_that_grew_has_its_new_shards_alone(detector, asked, tmp_path, scored):
    out = tmp_path / "out"
    run(detector, asked, out)
    stand_in.picture(asked / "eva.png", 7)
    stand_in.picture(asked / "fay.png", 8)
    scored.clear()
    summary = run(detector, asked, out)
    assert sorted(scored) == ["broken.jpg", "eva.png", "fay.png"]
    assert tuple(sorted(one.name for one in out.glob("*.jsonl"))) == summary.shards
    assert len(summary.shards) == 4


def test_a_summary_that_is_damaged_is_named(detector, asked, tmp_path, scored):
    run(detector, asked, tmp_path / "out")
    path = tmp_path / "out" / archive.SUMMARY
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "counts": "many"}))
    with pytest.raises(InputError, match=r"results-summary\.json is damaged: summary\.counts"):
        archive.read_summary(tmp_path / "out")
    path.write_text(json.dumps({**content, "schema_version": "0"}))
    with pytest.raises(InputError, match="is not a summary of version"):
        archive.read_summary(tmp_path / "out")
