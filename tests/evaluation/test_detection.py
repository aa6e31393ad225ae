import csv
import dataclasses
import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from jaxfake.evaluation import detection, missing_videos
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.operating_points import EER_DEFINITION
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import Provenance
from jaxfake.reporting.detection_section import (
    detection_highlights,
    detection_section,
    detection_sentences,
    ranked_rows,
)
from jaxfake.reporting.html import Report, write_report
from tests.in_memory import random_scores
from tests.reporting.strips_of import strips_of

ORIGIN = Provenance("config", "train", "data", "made of", "", "detect", 7)
KEYS = {
    "auc",
    "auc_ci95",
    "ap",
    "eer",
    "acc_at_0.5",
    "tpr_at_fpr_0.01",
    "n_real",
    "n_fake",
    "people_real",
    "people_fake",
}


def lose(monkeypatch, *rows):
    monkeypatch.setattr(
        detection, "missing_videos", lambda dataset: missing_videos.columns(list(rows))
    )


def test_videos_and_faces_are_measured_as_scikit_learn_would(dataset):
    frames = random_scores(dataset)
    result = detection.measure(dataset, frames, "mean")
    label, score = result.videos.label, result.videos.score
    video, frame = result.overall.video, result.overall.frame
    assert video.auc.value == pytest.approx(oracle.roc_auc_score(label, score))
    assert video.ap == pytest.approx(oracle.average_precision_score(label, score))
    assert video.accuracy == oracle.accuracy_score(label, score >= 0.5)
    truth = dataset.index.label
    assert frame.auc.value == pytest.approx(oracle.roc_auc_score(truth, frames.score))
    assert frame.ap == pytest.approx(oracle.average_precision_score(truth, frames.score))
    lips = (truth == 0) | (dataset.index.method == "lips")
    expected = oracle.roc_auc_score(truth[lips], frames.score[lips])
    assert result.per_manipulation["lips"].frame.auc.value == pytest.approx(expected)
    # People 000 to 002 are real and faked; 003 is real alone.
    assert (video.auc.people_real, video.auc.people_fake) == (4, 3)
    assert isinstance(video.auc.ci95, Interval)


def test_manipulations_that_training_had_are_measured_apart_from_the_others(dataset, tmp_path):
    frames = random_scores(dataset)
    result = detection.measure(dataset, frames, "mean", trained={"eyes", "nose"})
    assert result.by_training.never_seen == ("lips",)
    assert result.by_training.seen == result.per_manipulation["eyes"]
    assert result.by_training.unseen == result.per_manipulation["lips"]
    detection.write_files(tmp_path, dataset, result, ORIGIN, {})
    saved = json.loads((tmp_path / "metrics.json").read_text())
    assert saved["seen_in_training"] == saved["per_method"]["eyes"]
    assert saved["never_seen_in_training"] == {"methods": ["lips"], **saved["per_method"]["lips"]}


@pytest.mark.parametrize("trained", [None, {"eyes", "lips"}, {"nose"}])
def test_nothing_is_said_of_training_where_all_is_alike_or_unknown(dataset, trained):
    result = detection.measure(dataset, random_scores(dataset), "mean", trained=trained)
    assert result.by_training is None


def test_metrics_json_has_every_key_of_the_contract(dataset, tmp_path):
    result = detection.measure(dataset, random_scores(dataset), "median")
    detection.write_files(tmp_path, dataset, result, ORIGIN, {})
    saved = json.loads((tmp_path / "metrics.json").read_text())
    assert set(saved["video"]) == set(saved["frame"]) == KEYS
    assert set(saved["per_method"]) == {"eyes", "lips"}
    assert set(saved["per_method"]["eyes"]["video"]) == KEYS
    assert (saved["aggregation"], saved["eer_definition"]) == ("median", EER_DEFINITION)
    assert saved["coverage"] == {
        "videos": 10,
        "ok": 10,
        "no_face": 0,
        "unreadable": 0,
        "no_face_real": 0,
        "no_face_fake": 0,
    }
    assert saved["video_with_face"].items() <= saved["video"].items()
    assert saved["localisation"] is None
    assert (saved["stage"], saved["step"]) == ("detect", 7)
    assert "people as the independent unit" in saved["interval"]
    assert saved["video"]["n_real"] == 4
    assert "4 real and 6 fake videos" in detection_sentences(result, "Mover")


def test_a_video_without_a_face_counts_as_chance(dataset, tmp_path, monkeypatch):
    lose(
        monkeypatch,
        ("toys", "lips", "gone", "person 9", 1, "no_face"),
        ("toys", "brows", "gone", "person 9", 1, "no_face"),
        ("toys", "real", "torn", "person 8", 0, "unreadable: it is empty"),
    )
    result = detection.measure(dataset, random_scores(dataset), "mean")
    assert result.coverage == detection.VideoCounts(13, 10, 2, 1, no_face_real=0, no_face_fake=2)
    assert (result.overall.video.auc.n_real, result.overall.video.auc.n_fake) == (4, 8)
    assert result.overall.frame.auc.n_fake == 12
    assert list(result.per_manipulation) == ["brows", "eyes", "lips"]
    only_lost = result.per_manipulation["brows"]
    reals = result.videos.score[result.videos.label == 0]
    reals = reals[np.isfinite(reals)]
    expected = (reals < 0.5).mean() + 0.5 * (reals == 0.5).mean()
    assert only_lost.video.auc.value == pytest.approx(expected)
    assert isinstance(only_lost.frame.auc.value, Undefined)
    sentences = detection_sentences(result, "Mover")
    assert "Of the 13 videos, 0 real and 2 fake ones have no face" in sentences
    assert "Without those: video AUC" in sentences
    assert (result.with_face.n_real, result.with_face.n_fake) == (4, 6)
    detection.write_files(tmp_path, dataset, result, ORIGIN, {})
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = {(row["method"], row["video_id"]): row for row in csv.DictReader(file)}
    assert rows["lips", "gone"]["score"] == "0.5"
    assert rows["real", "torn"]["score"] == ""
    assert rows["real", "torn"]["status"] == "unreadable: it is empty"
    (shown,) = ranked_rows(result, 99).values()
    assert len(shown) == 10  # there is nothing to show of the others


def few(kind, make_dataset):
    """Datasets in which most numbers do not exist."""
    reals, fakes = (
        [(method, f"{n}", label, 2) for n in range(3)]
        for method, label in (("real", 0), ("swap", 1))
    )
    videos = {
        "one frame": [("swap", "a", 1, 1)],
        "one video": [("real", "a", 0, 4)],
        "one class": fakes,
        "all tied": reals + fakes,
        "only no face": reals,
        "no label": [("?", "a", -1, 2)],
    }
    dataset = make_dataset(videos[kind])
    frames = random_scores(dataset)
    if kind == "all tied":
        frames = dataclasses.replace(frames, score=np.full(len(dataset), 0.5))
    if kind == "only no face":
        frames = FrameScores(np.zeros(0, np.int64), np.zeros(0), {})
    return dataset, frames


@pytest.mark.parametrize(
    "kind", ["one frame", "one video", "one class", "all tied", "only no face", "no label"]
)
def test_poor_data_has_defined_results_and_a_page(kind, make_dataset, tmp_path, monkeypatch):
    dataset, frames = few(kind, make_dataset)
    if kind == "only no face":
        lose(monkeypatch, ("toys", "swap", "b", "b", 1, "no_face"))
    result = detection.measure(dataset, frames, "mean_logit")
    detection.write_files(tmp_path, dataset, result, ORIGIN, {})
    saved = json.loads((tmp_path / "metrics.json").read_text())["video"]
    for key in KEYS:
        assert (saved[key] is None) == (f"{key}_reason" in saved)
    if kind == "all tied":
        assert (saved["auc"], saved["eer"], saved["ap"]) == (0.5, 0.5, 0.5)
        assert saved["tpr_at_fpr_0.01"] == 0
    else:
        assert saved["auc"] is None
        assert "no video AUC" in detection_sentences(result, "Mover")
    known = kind != "no label"
    assert (saved["acc_at_0.5"] is not None) == known
    strips = strips_of(dataset, ranked_rows(result, 12))
    section = detection_section(result, "Mover", strips)
    write_report(
        tmp_path / "r.html", Report("A run", (), detection_highlights(result), (), (section,))
    )
    assert "The detector: Mover" in (tmp_path / "r.html").read_text()
