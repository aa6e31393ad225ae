import dataclasses

import pytest

from jaxfake.evaluation import zero_shot
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.zero_shot import HEADLINE
from jaxfake.reporting.zero_shot_section import zero_shot_sentences
from tests.in_memory import random_scores


@pytest.mark.parametrize(
    ("auc", "part"),
    [
        (Auc(0.52, Interval(0.45, 0.6), 9, 9, 9, 9), "chance"),
        (Auc(0.4, Interval(0.35, 0.45), 9, 9, 9, 9), "wrong way round"),
        (Auc(0.58, Interval(0.52, 0.64), 9, 9, 9, 9), "weak"),
        (Auc(0.95, Interval(0.9, 0.99), 9, 9, 9, 9), "strong"),
        (Auc(0.95, Undefined("too few"), 9, 1, 9, 1), "no interval: too few"),
    ],
)
def test_the_sentence_follows_the_interval(dataset, auc, part):
    frames = random_scores(dataset)
    frames = dataclasses.replace(frames, evidence={HEADLINE: frames.score})
    result = zero_shot.measure(dataset, frames)
    metrics = result.headline.overall
    metrics = dataclasses.replace(metrics, video=dataclasses.replace(metrics.video, auc=auc))
    headline = dataclasses.replace(result.headline, overall=metrics)
    sentence = zero_shot_sentences(dataclasses.replace(result, headline=headline))
    assert part in sentence
    assert f"{auc.value:.3f}" in sentence
