"""Stored scores of several datasets: each by itself, and the reals of one against the fakes of another."""

import dataclasses

import numpy as np
import pytest
from sklearn import metrics as oracle

from jaxfake.evaluation.evidence.cross_dataset import (
    cross_aucs,
    cross_json,
    measure_stored,
    stored_json,
    with_no_face,
)
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.stored_scores.columns import ScoreColumns
from jaxfake.evaluation.stored_scores.table import by_dataset, read_scores

HEADER = "dataset,method,video_id,identity,label,score,status\n"


@pytest.fixture
def table(tmp_path):
    """Two datasets of 15 people; all scores of the second are higher by 0.3."""
    rng = np.random.default_rng(0)
    lines = []
    for dataset, lift in (("a", 0.0), ("b", 0.3)):
        for n in range(60):
            label, method = n % 2, ("real", ("eyes", "lips")[n // 2 % 2])[n % 2]
            score = np.clip(rng.normal(0.3, 0.15) + 0.2 * label + lift, 0, 1)
            lines.append(f"{dataset},{method},{n},p{n // 4},{label},{score:.6f},ok")
    lines.append("a,real,x,p0,0,,no_face")
    lines.append("a,real,y,p0,0,,unreadable: why")
    (tmp_path / "scores.csv").write_text(HEADER + "\n".join(lines) + "\n")
    return read_scores(tmp_path / "scores.csv", ScoreColumns("fake_high", fake_label=1))


def test_each_dataset_has_its_metrics(table):
    part = by_dataset([table])["a"]
    result = measure_stored(part, Bootstrap(100, 0))
    label, score = part.label[part.scored], part.score[part.scored]
    assert result.overall.auc.value == pytest.approx(oracle.roc_auc_score(label, score))
    assert (result.overall.auc.n_real, result.overall.auc.people_real) == (30, 15)
    assert set(result.per_manipulation) == {"eyes", "lips"}
    eyes = part.scored & ((part.label == 0) | (part.method == "eyes"))
    assert result.per_manipulation["eyes"].auc.value == pytest.approx(
        oracle.roc_auc_score(part.label[eyes], part.score[eyes])
    )
    assert isinstance(result.bootstrap["ap"], Interval)
    assert result.coverage == {
        "videos": 62,
        "scored": 60,
        "no_face": 1,
        "no_score": 1,
        "unknown_label": 0,
    }
    assert stored_json(result)["bootstrap_ci95"]["auc"] == list(result.bootstrap["auc"])


def test_reals_of_one_are_compared_with_fakes_of_another(table):
    parts = by_dataset([table])
    aucs = cross_aucs(parts)
    assert set(aucs) == {(one, other) for one in "ab" for other in "ab"}
    for (one, other), auc in aucs.items():
        reals = [s for s, k in zip(parts[one].score, parts[one].label, strict=True) if k == 0]
        fakes = parts[other].score[parts[other].label == 1]
        reals = np.array([score for score in reals if np.isfinite(score)])
        scores = np.concatenate([reals, fakes])
        labels = np.repeat([0, 1], [len(reals), len(fakes)])
        assert auc.value == pytest.approx(oracle.roc_auc_score(labels, scores))
    assert aucs["a", "a"].value == measure_stored(parts["a"], Bootstrap(2, 0)).overall.auc.value
    assert aucs["a", "b"].value > 0.95 > aucs["a", "a"].value > aucs["b", "a"].value
    assert cross_json(aucs)[1]["reals_of"] == "a"


def test_people_are_the_unit_within_a_dataset_and_different_across(table):
    parts = by_dataset([table])
    aucs = cross_aucs(parts)
    assert aucs["a", "a"].ci95 == measure_stored(parts["a"], Bootstrap(2, 0)).overall.auc.ci95
    swapped = dataclasses.replace(parts["b"], person=parts["b"].person[::-1].copy() + 1000)
    again = cross_aucs({"a": parts["a"], "b": swapped})["a", "b"]
    assert again.people_fake == aucs["a", "b"].people_fake == 15


def test_what_a_video_without_a_face_counts_as_follows_from_the_protocol(table):
    part = by_dataset([table])["a"]
    half, left_out = with_no_face(part, "half"), with_no_face(part, "left_out")
    assert (half.scored.sum(), left_out.scored.sum()) == (61, 60)
    assert half.score[part.status == "no_face"].tolist() == [0.5]
    assert np.isnan(half.score[part.status == "unreadable: why"]).all()
    logits = dataclasses.replace(part, probability=False)
    assert with_no_face(logits, "half").scored.sum() == 60


def test_a_dataset_of_one_class_has_reasons_and_no_numbers(table):
    part = by_dataset([table])["a"]
    reals = part.rows(part.label == 0)
    result = measure_stored(reals, Bootstrap(10, 0))
    assert isinstance(result.overall.auc.value, Undefined)
    fields = stored_json(result)
    assert fields["video"]["auc"] is None
    assert "both classes" in fields["video"]["auc_reason"]
    assert fields["bootstrap_ci95"]["auc"] is None
