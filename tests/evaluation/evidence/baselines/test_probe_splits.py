"""A probe sees a bounded number of training faces of both classes, and never the test split."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.evaluation.evidence.baselines import probe_splits
from jaxfake.evaluation.evidence.baselines.frozen_features import FrozenNetwork
from jaxfake.evaluation.evidence.baselines.linear_probe import LinearProbe
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.runtime.errors import InputError
from tests.in_memory import build_dataset


def mean_colours(params, batch):
    """[B, 3]: features of a network for tests."""
    return batch[schema.IMAGE].astype(jnp.float32).mean((1, 2)) * params


NETWORK = FrozenNetwork(mean_colours, np.float32(1.0), "mean colours")


def split(name, reals=12, fakes=6, frames=1):
    videos = [("real", f"{n:03}", 0, frames) for n in range(reals)]
    videos += [("lips", f"{n:03}", 1, frames) for n in range(fakes)]
    return dataclasses.replace(build_dataset(videos), split=name)


def fitted(scoring, **changes):
    return probe_splits.probe_splits(NETWORK, split("train", **changes), split("val"), scoring)


def test_it_says_what_it_was_fitted_on(scoring):
    probe = fitted(scoring)
    assert isinstance(probe, LinearProbe)
    seen = probe.fitted_on
    assert (seen.network, seen.train_sha256) == ("mean colours", split("train").digest)
    assert (seen.real, seen.fake, seen.validation_real, seen.validation_fake) == (12, 6, 12, 6)


def test_faces_are_drawn_by_the_seed_up_to_a_bound(scoring, monkeypatch):
    monkeypatch.setattr(probe_splits, "MOST_FITTED", 5)
    probes = [fitted(dataclasses.replace(scoring, seed=seed), reals=40) for seed in (1, 1, 2)]
    assert probes[0] == probes[1] != probes[2]
    assert (probes[0].fitted_on.real, probes[0].fitted_on.fake) == (5, 5)


def test_a_split_without_fakes_has_no_probe_and_says_why(scoring):
    found = fitted(scoring, fakes=0)
    assert isinstance(found, Undefined)
    assert found.reason == "the split 'train' has no fake faces to fit a probe on"


@pytest.mark.parametrize("names", [("test", "val"), ("train", "test")])
def test_the_test_split_is_refused(scoring, names):
    with pytest.raises(ValueError, match="must not see the test split"):
        probe_splits.probe_splits(NETWORK, *map(split, names), scoring)


def test_a_few_frames_of_each_video_are_scored(scoring):
    faces, probe = split("test", frames=11), fitted(scoring)
    rows = np.flatnonzero(faces.index.frame < 10)
    scores = probe_splits.probe_scores(NETWORK, probe, faces, rows, scoring)
    assert set(faces.index.frame[scores.rows].tolist()) <= set(range(10))
    assert len(scores.rows) == 18 * probe_splits.MOST_FRAMES
    first = faces[int(scores.rows[0])].image.mean((0, 1))
    assert scores.score[0] == pytest.approx(probe.score(first[None])[0], abs=1e-5)


def test_a_probe_of_other_features_is_refused(scoring):
    other = dataclasses.replace(fitted(scoring), weights=(1.0,))
    with pytest.raises(InputError, match="takes 1 features, and the network has 3"):
        probe_splits.probe_scores(NETWORK, other, split("test"), np.arange(4), scoring)


def test_no_faces_are_no_scores(scoring):
    scores = probe_splits.probe_scores(
        NETWORK, fitted(scoring), split("test"), np.arange(0), scoring
    )
    assert len(scores.rows) == len(scores.score) == 0
