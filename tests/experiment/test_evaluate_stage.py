"""What must be said of the people in the data is said with every result."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.preparation import coverage, taken
from jaxfake.data.preparation.coverage import CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.evaluation.result_files import write_json
from jaxfake.experiment.evaluate_stage import evaluate_stage
from jaxfake.experiment.results import detector_results
from jaxfake.experiment.results.stage_results import EvaluationTask, StageResults


@pytest.fixture
def run():
    identity = SimpleNamespace(config="c", data="d", manifest="")
    return SimpleNamespace(
        stage="detect",
        step=3,
        metadata=SimpleNamespace(identity=identity),
        config=SimpleNamespace(evaluation=SimpleNamespace(resamples=10), seed=0),
    )


def prepared(out: Path, dataset, people: list[str], caveats: tuple[str, ...] = ()):
    """The dataset as if it was prepared in `out` from a file of each of these people."""
    files = [
        SourceFile(Path(f"{n}.jpg"), f"{n}.jpg", n % 2, "real", name, str(n), "test")
        for n, name in enumerate(people)
    ]
    rows = [CoverageRow(file, "test", CropStatus(1, 1, 1, 0, 9, "")) for file in files]
    listing = Listing(files, [], "by folder", caveats=caveats)
    coverage.write(out, coverage.summarise("toys", {}, {}, "0", listing, rows))
    return dataclasses.replace(dataset, folder=out / "folder" / "1.0.0")


@pytest.mark.parametrize("people", [["a", "b", "c"], ["a", "b", "a"]])
def test_that_each_file_is_its_own_person_is_said_with_the_results(
    run, dataset, tmp_path, monkeypatch, people
):
    origins = []

    def evaluate(run, task, origin, bootstrap):
        origins.append(origin)
        return StageResults(("a word",), ("a line",), (), ())

    monkeypatch.setattr(detector_results, "evaluate", evaluate)
    task = EvaluationTask(prepared(tmp_path, dataset, people), tmp_path, "mean")
    results = evaluate_stage(run, task)
    said = (taken.each_its_own(3),) if len(set(people)) == 3 else ()
    assert results.in_words == ("a word", *said)
    assert results.summary == ("a line", *said)
    assert origins[0].data_identities == "".join(said)


def test_what_every_result_has_to_say_is_in_words_and_in_files(run, dataset, tmp_path, monkeypatch):
    origins = []

    def evaluate(run, task, origin, bootstrap):
        origins.append(origin)
        return StageResults((), (), (), ())

    monkeypatch.setattr(detector_results, "evaluate", evaluate)
    said = ("These data are a subset: 3 of 100 official videos (test 3 of 100).",)
    faces = prepared(tmp_path, dataset, ["a", "b", "a"], said)
    results = evaluate_stage(run, EvaluationTask(faces, tmp_path, "mean"))
    assert results.in_words == results.summary == said
    write_json(tmp_path / "metrics.json", origins[0]._asdict())
    assert json.loads((tmp_path / "metrics.json").read_text())["data_caveats"] == list(said)


def test_nothing_is_said_of_faces_that_were_drawn(dataset):
    assert coverage.people(dataset.folder) == ""
    assert coverage.caveats(dataset.folder) == []
