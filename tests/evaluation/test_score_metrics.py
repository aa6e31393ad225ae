"""A score by video and by face: who takes part, and what is not claimed."""

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.dataset import Index
from jaxfake.evaluation.aggregate import per_video
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.score_metrics import DetectionMetrics, ScoreKind, measure_scores
from tests.in_memory import build_dataset

VIDEOS = [("real", "a", 0, 3), ("real", "b", 0, 1), ("swap", "c", 1, 2), ("swap", "d", 1, 2)]
PROBABILITY = ScoreKind("P(fake)", probability=True)


@pytest.fixture
def index() -> Index:
    return build_dataset(VIDEOS).index


def _measured(
    index: Index, score: list[float], chosen: object = True, kind=PROBABILITY
) -> DetectionMetrics:
    rows = np.arange(len(index.label))
    frames = FrameScores(rows, np.array(score), {})
    videos = per_video(index, frames, "mean")
    taking_part = np.full(len(videos.label), chosen) if chosen is True else np.asarray(chosen)
    return measure_scores(frames, videos, taking_part, kind)


SCORES = [0.1, 0.2, 0.9, 0.3, 0.8, 0.6, 0.4, 0.45]
"""By video: 0.4, 0.3, 0.7, 0.425; one face of a real video is the most suspicious of all."""


def test_videos_and_faces_are_measured_each_by_itself(index: Index) -> None:
    metrics = _measured(index, SCORES)
    assert metrics.video.auc.value == 1.0
    assert (metrics.video.auc.n_real, metrics.video.auc.n_fake) == (2, 2)
    assert metrics.frame.auc.value == 12 / 16  # one real face of four is above all fakes
    assert metrics.video.accuracy == 0.75


def test_only_the_chosen_take_part(index: Index) -> None:
    metrics = _measured(index, SCORES, [True, False, True, False])
    assert (metrics.video.auc.n_real, metrics.video.auc.n_fake) == (1, 1)
    assert (metrics.frame.auc.n_real, metrics.frame.auc.n_fake) == (3, 2)  # faces


def test_videos_without_a_label_are_left_out(index: Index) -> None:
    label = np.where(index.video_id == "d", schema.UNKNOWN, index.label)
    metrics = _measured(index._replace(label=label), SCORES)
    assert (metrics.video.auc.n_real, metrics.video.auc.n_fake) == (2, 1)


def test_of_one_class_nothing_is_claimed(index: Index) -> None:
    metrics = _measured(index, SCORES, [True, True, False, False])
    assert isinstance(metrics.video.auc.value, Undefined)
    assert isinstance(metrics.video.eer, Undefined)


def test_a_score_that_is_no_probability_has_no_accuracy(index: Index) -> None:
    metrics = _measured(index, SCORES, kind=ScoreKind("error", probability=False))
    assert isinstance(metrics.video.accuracy, Undefined)
    assert metrics.video.auc.value == 1.0
