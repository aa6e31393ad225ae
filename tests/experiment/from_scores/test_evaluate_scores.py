"""Scores in files become metrics, a report and files for other tools, whatever is in their names."""

import csv
import json
import sys

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.protocols.protocol import load_protocol
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.experiment.from_scores.evaluate_scores import ScoresRequest, evaluate_scores
from jaxfake.runtime.errors import USAGE, InputError
from tests.processes import Processes

HEADER = "dataset,method,video_id,label,score,frames,faces,status\n"
EVIL = "<script>alert(1)</script>"


def write(folder, dataset, method="lips", videos=20):
    rng, lines = np.random.default_rng(0), []
    for n in range(videos):
        label = n % 2
        score = np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1)
        lines.append(f"{dataset},{method if label else 'real'},{n // 2},{label},{score:.4f},4,4,ok")
    folder.mkdir()
    (folder / "scores.csv").write_text(HEADER + "\n".join(lines) + "\n")
    return folder / "scores.csv"


def request(files, out, **changes):
    values = {"columns": ScoreColumns(), "protocol": None, "bootstrap": Bootstrap(50, 0)}
    return ScoresRequest(tuple(files), out, **{**values, **changes})


def test_two_datasets_are_measured_apart_and_across(tmp_path):
    files = [write(tmp_path / name, name) for name in ("a", "b")]
    words = evaluate_scores(request(files, tmp_path / "out"))
    saved = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(saved["datasets"]) == {"a", "b"}
    assert saved["datasets"]["a"]["video"]["n_fake"] == 10
    assert len(saved["cross_auc"]) == 4
    assert saved["protocol"] is None
    assert [one["name"] for one in saved["files"]] == [str(file) for file in files]
    assert words[0].startswith("a: video AUC 0.")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Across datasets" in page
    assert "each video counts as another person" in page


def test_the_protocol_and_its_departures_stand_beside_the_numbers(tmp_path):
    file = write(tmp_path / "c", "celebdf", "Celeb-synthesis")
    protocol = load_protocol("ffpp_c23_to_others")
    words = evaluate_scores(request([file], tmp_path / "out", protocol=protocol))
    assert protocol.sha256[:12] in words[-1]
    assert "10 real videos of celebdf, where its list has 178" in words[-1]
    saved = json.loads((tmp_path / "out" / "metrics.json").read_text())["protocol"]
    assert (saved["name"], saved["sha256"]) == (protocol.name, protocol.sha256)
    assert saved["departures"]
    with pytest.raises(InputError, match="tests celebdf"):
        evaluate_scores(request([write(tmp_path / "t", "toys")], tmp_path, protocol=protocol))


def test_names_with_html_or_formulas_do_no_harm(tmp_path):
    file = write(tmp_path / "e", "=cmd()", EVIL)
    evaluate_scores(request([file], tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    (exported,) = (tmp_path / "out").glob("*/workbench.csv")
    assert exported.parent.name == "_cmd__"
    assert all(line[0] not in "=+-@" for line in exported.read_text().splitlines())


def test_the_workbench_gets_a_probability_for_every_scored_video(tmp_path):
    """The rules by which deepfake-workbench refuses a file: a key twice, an empty or impossible score."""
    file = write(tmp_path / "a", "a")
    file.write_text(file.read_text() + "a,real,no-face,0,,0,0,no_face\n")
    evaluate_scores(request([file], tmp_path / "out"))
    with (tmp_path / "out" / "a" / "workbench.csv").open(newline="", encoding="utf-8-sig") as rows:
        read = list(csv.DictReader(rows))
    assert len(read) == 20
    assert len({row["video_id"] for row in read}) == 20  # ids that reals and fakes share
    assert all(0 <= float(row["prob"]) <= 1 for row in read)
    assert {"real/0", "lips/0"} <= {row["video_id"] for row in read}


def test_scores_that_are_no_probabilities_are_not_exported_as_such(tmp_path):
    file = write(tmp_path / "a", "a")
    file.write_text(file.read_text() + "a,real,far,0,7.5,1,1,ok\n")
    evaluate_scores(request([file], tmp_path / "out"))
    assert not list((tmp_path / "out").glob("*/workbench.csv"))
    saved = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert saved["datasets"]["a"]["video"]["acc_at_0.5"] is None


def test_the_command_asks_which_way_scores_point(tmp_path, processes: Processes):
    (tmp_path / "other.csv").write_text("video_id,label,score\na,real,0.1\nb,fake,0.9\n")
    command = [sys.executable, "-m", "jaxfake.evaluate", f"--scores={tmp_path / 'other.csv'}"]
    job = processes.start(command, stdout=-1, stderr=-1)
    _, said = job.communicate()
    assert job.returncode == USAGE
    assert len(said.strip().splitlines()) == 1
    assert "--polarity" in said


def test_scores_are_calibrated_on_others_alone(tmp_path):
    test, val = write(tmp_path / "a", "a", videos=80), write(tmp_path / "v", "v", videos=80)
    evaluate_scores(request([test], tmp_path / "out", validation=val))
    saved = json.loads((tmp_path / "out" / "metrics.json").read_text())
    found = saved["datasets"]["a"]["calibration"]
    stored = calibration.read(tmp_path / "out" / "calibration.json")
    assert found["sha256"] == stored.sha256
    assert 0 < found["cllr_after_pav"] <= found["cllr"] < 1
    assert "Strength of evidence, a" in (tmp_path / "out" / "report.html").read_text()
    with pytest.raises(InputError, match="share 80 videos"):
        evaluate_scores(request([test], tmp_path / "out", validation=test))
    (val.parent / "metrics.json").write_text('{"split": "test"}')
    with pytest.raises(InputError, match="must not be fitted on a test split"):
        evaluate_scores(request([test], tmp_path / "out", validation=val))


def test_people_who_are_tested_are_not_calibrated_on(tmp_path):
    test, val = write(tmp_path / "a", "a", videos=80), write(tmp_path / "v", "a", videos=80)
    val.write_text(val.read_text().replace(",lips,", ",lips,v").replace(",real,", ",real,v"))
    for file, mark in ((test, ""), (val, "v")):
        rows = [f"a,{m},{mark}{n},p{n}" for m in ("real", "lips") for n in range(40)]
        people = "dataset,method,video_id,identity\n" + "\n".join(rows) + "\n"
        (file.parent / "people.csv").write_text(people)
    with pytest.raises(InputError, match="share 40 people"):
        evaluate_scores(request([test], tmp_path / "out", validation=val))
