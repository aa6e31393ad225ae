import dataclasses
import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from jaxfake.evaluation import result_files, zero_shot
from jaxfake.evaluation.predict import FrameScores
from jaxfake.reporting.zero_shot_section import zero_shot_sentences

ORIGIN = result_files.Provenance("config", "train", "data", "", "", "recover", 42)


def scored(dataset, seed=0):
    scores = np.random.default_rng(seed).normal(size=len(dataset)) + dataset.index.label
    evidence = {"relative_mean": scores, "error_eyes": -scores}
    return FrameScores(np.arange(len(dataset)), scores, evidence)


def test_every_score_and_every_manipulation_is_measured(dataset):
    frames = scored(dataset)
    result = zero_shot.measure(dataset, frames)
    headline = result.scores["relative_mean"]
    assert headline.frame.value == pytest.approx(roc_auc_score(dataset.index.label, frames.score))
    assert (headline.video.n_real, headline.video.n_fake, headline.frame.n_fake) == (4, 6, 12)
    assert list(result.scores_per_manipulation) == ["eyes", "lips"]
    lips = result.scores_per_manipulation["lips"]["relative_mean"]
    assert (lips.video.n_real, lips.video.n_fake) == (4, 3)
    chosen = (dataset.index.label == 0) | (dataset.index.method == "lips")
    expected = roc_auc_score(dataset.index.label[chosen], frames.score[chosen])
    assert lips.frame.value == pytest.approx(expected)
    turned = result.scores["error_eyes"].video.value
    assert turned == pytest.approx(1 - headline.video.value)


def test_the_headline_is_not_the_best(dataset):
    frames = scored(dataset)
    frames = dataclasses.replace(
        frames, evidence=frames.evidence | {"oracle": dataset.index.label * 1.0}
    )
    result = zero_shot.measure(dataset, frames)
    assert result.scores["oracle"].video.value == 1.0
    assert f"{result.headline.overall.video.auc.value:.3f}" in zero_shot_sentences(result)


def test_files_hold_the_contract(dataset, tmp_path):
    result = zero_shot.measure(dataset, scored(dataset))
    folder = tmp_path
    zero_shot.write(folder, dataset, result, ORIGIN)
    saved = json.loads((folder / "metrics.json").read_text())
    auc = result.scores["relative_mean"].video
    counts = {"n_real": 4, "n_fake": 6, "people_real": 4, "people_fake": 3}
    expected = {"auc": auc.value, "auc_ci95": list(auc.ci95), **counts}
    assert saved["video"].items() >= expected.items()
    assert saved["video"]["acc_at_0.5"] is None
    assert saved["video"]["acc_at_0.5_reason"] == "the score is not a probability"
    assert saved["evidence"]["relative_mean"]["video"] == expected
    assert saved["per_method"]["eyes"]["frame"]["n_fake"] == 6
    assert saved["aggregation"].startswith("mean")
    assert (saved["config_sha256"], saved["data_sha256"], saved["step"]) == ("config", "data", 42)
    expected = {"frames.csv", "scores.csv", "people.csv", "metrics.json"}
    assert {path.name for path in folder.iterdir()} == expected


def test_reals_alone_are_null_with_a_reason(make_dataset, tmp_path):
    dataset = make_dataset([("real", "a", 0, 2), ("real", "b", 0, 1), ("?", "c", -1, 1)])
    result = zero_shot.measure(dataset, scored(dataset))
    zero_shot.write(tmp_path, dataset, result, ORIGIN)
    saved = json.loads((tmp_path / "metrics.json").read_text())
    assert saved["video"]["auc"] is None
    assert "2 reals and 0 fakes" in saved["video"]["auc_reason"]
    assert saved["per_method"] == {}
    assert "no video AUC" in zero_shot_sentences(result)
