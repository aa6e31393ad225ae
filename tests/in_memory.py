"""Datasets in memory: a name per video, random pixels, no landmarks."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from jaxfake.data import records
from jaxfake.data.dataset import FaceDataset, Index
from jaxfake.evaluation.predict import FrameScores, ScoringSettings
from jaxfake.schema import Example
from jaxfake.train import sharding

SIDE = 16

Video = tuple[str, str, int, int]
"""Method, video, label and number of frames."""


def build_dataset(videos: Sequence[Video], dataset: str = "toys") -> FaceDataset:
    rng = np.random.default_rng(0)
    examples = [
        Example(
            image=rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8),
            landmarks=np.full((68, 2), np.nan, np.float32),
            label=label,
            method=method,
            dataset=dataset,
            video_id=video,
            identity=f"person {video}",
            frame=frame,
            forgery_mask=np.zeros((SIDE, SIDE), np.uint8),
            has_mask=label == 0,
            matrix=np.eye(2, 3, dtype=np.float32),
        )
        for method, video, label, frames in videos
        for frame in range(frames)
    ]
    columns = {name: [getattr(one, name) for one in examples] for name in Index._fields}
    index = Index(**{name: np.array(values) for name, values in columns.items()})
    stored = [records.encode(one, "raw") for one in examples]
    return FaceDataset(Path("nowhere"), "test", SIDE, stored, index)


@pytest.fixture
def make_dataset() -> Callable[..., FaceDataset]:
    return build_dataset


@pytest.fixture
def dataset() -> FaceDataset:
    reals = [("real", f"{n:03}", 0, 2) for n in range(4)]
    fakes = [(method, f"{n:03}", 1, 2) for method in ("eyes", "lips") for n in range(3)]
    return build_dataset(reals + fakes)


@pytest.fixture
def scoring() -> ScoringSettings:
    return ScoringSettings(batch_size=8, seed=3, mesh=sharding.make_mesh(1, 8), threads=1)


def random_scores(dataset: FaceDataset, seed: int = 0) -> FrameScores:
    """Probabilities for all faces, a little higher for fakes."""
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.uniform(size=len(dataset)) + 0.2 * dataset.index.label, 0, 1)
    return FrameScores(np.arange(len(dataset)), scores, {})
