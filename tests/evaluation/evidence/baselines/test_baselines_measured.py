"""A baseline is measured on the videos that were evaluated, and compared on those that both scored."""

import numpy as np
import pytest

from jaxfake.evaluation import detection, missing_videos
from jaxfake.evaluation.evidence.baselines import measured
from jaxfake.evaluation.evidence.baselines.linear_probe import FittedOn, LinearProbe
from jaxfake.evaluation.metrics.paired_auc import compare_aucs
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from tests.in_memory import build_dataset, random_scores

PROBE = LinearProbe((1.0,), 0.0, 0.1, 0.8, FittedOn("n", "", "", 5, 5, 5, 5))


@pytest.fixture
def faces():
    return build_dataset(
        [(m, f"{n:03}", k, 3) for k, m in enumerate(("real", "lips")) for n in range(20)]
    )


def test_auc_and_difference_are_of_the_same_videos(faces):
    found = detection.measure(faces, random_scores(faces), "mean")
    weak = random_scores(faces, seed=5)
    one = measured.measure_baseline(faces, weak, found, "mean")
    score = np.array([weak.score[found.videos.of_face == v].mean() for v in range(40)])
    videos = found.videos
    pairs = score[videos.label == 1][:, None] > score[videos.label == 0]
    assert one.auc.value == pytest.approx(pairs.mean())
    assert one.above == compare_aucs(videos.label, videos.score, score, videos.identity)
    fields = measured.baselines_json({"it": one, "no": Undefined("why")})
    assert fields["it"]["score_above"] == one.above.value
    assert fields["no"] == {"auc": None, "auc_reason": "why"}
    assert "probe" not in fields["it"]


def test_a_probe_gives_videos_without_a_face_what_the_detector_gives_them(faces, monkeypatch):
    missing = missing_videos.columns([("toys", "real", "m", "p", 0, "no_face")])
    monkeypatch.setattr(detection, "missing_videos", lambda _: missing)
    monkeypatch.setattr(measured, "missing_videos", lambda _: missing)
    weak = random_scores(faces, seed=5)
    counted = detection.measure(faces, random_scores(faces), "mean")
    probe = measured.measure_baseline(faces, weak, counted, "mean", PROBE)
    error = measured.measure_baseline(faces, weak, counted, "mean")
    assert (probe.auc.n_real, error.auc.n_real) == (21, 20)
    left_out = detection.measure(faces, random_scores(faces), "mean", no_face="left_out")
    probe = measured.measure_baseline(faces, weak, left_out, "mean", PROBE)
    assert probe.auc.n_real == 20
    assert measured.baselines_json({"it": probe})["it"]["probe"]["sha256"] == PROBE.sha256


def test_other_videos_are_an_error(faces):
    found = detection.measure(faces, random_scores(faces), "mean")
    some = FrameScores(np.arange(6), np.zeros(6), {})
    with pytest.raises(ValueError, match="other videos"):
        measured.measure_baseline(faces, some, found, "mean")
