"""Probes: what one cue tells, learnt from other people, and when they are not measured."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from jaxfake.data import records
from jaxfake.data.dataset import FaceDataset, Index
from jaxfake.evaluation.evidence import probes
from jaxfake.evaluation.evidence.probe_features import PROBES
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.schema import Example
from tests.in_memory import build_dataset

SIDE = 32
THREE = {name: PROBES[name] for name in ("high frequencies", "small windows", "landmarks")}


def faces(people: int, seed: int, tell: float) -> FaceDataset:
    """Two frames each of a real and a fake video of every person; the fakes are rougher by `tell`."""
    rng, examples = np.random.default_rng(seed), []
    for person in range(people):
        for label in (0, 1):
            for frame in range(2):
                noise = rng.normal(0, 4 + tell * label, (SIDE, SIDE, 3))
                examples.append(
                    Example(
                        image=(rng.uniform(60, 180, 3) + noise).clip(0, 255).astype(np.uint8),
                        landmarks=rng.uniform(0, SIDE, (68, 2)).astype(np.float32),
                        label=label,
                        method="rough" if label else "real",
                        dataset="noise",
                        video_id=f"{seed}_{person}_{label}",
                        identity=f"{seed}_{person}",
                        frame=frame,
                        forgery_mask=np.zeros((SIDE, SIDE), np.uint8),
                        has_mask=True,
                        matrix=np.eye(2, 3, dtype=np.float32),
                    )
                )
    columns = {name: [getattr(one, name) for one in examples] for name in Index._fields}
    index = Index(**{name: np.array(values) for name, values in columns.items()})
    stored = [records.encode(one, "raw") for one in examples]
    return FaceDataset(Path("nowhere"), "train", SIDE, stored, index)


@pytest.fixture(scope="module")
def train() -> FaceDataset:
    return faces(110, 0, tell=3)


@pytest.fixture(scope="module")
def measured(train: FaceDataset) -> dict[str, probes.Probe]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "PROBES", THREE)
        found = probes.measure(train, faces(110, 1, tell=3), "mean")
    assert not isinstance(found, Undefined)
    return {one.name: one for one in found}


def test_a_cue_is_found_by_the_probe_that_looks_at_it_and_counted_by_video(
    measured: dict[str, probes.Probe],
) -> None:
    assert list(measured) == list(THREE)
    auc = measured["high frequencies"].auc
    assert (auc.n_real, auc.n_fake, auc.people_real, auc.people_fake) == (110, 110, 110, 110)
    assert auc.value > 0.95
    assert measured["small windows"].auc.value > 0.95


def test_a_probe_that_looks_elsewhere_finds_nothing(measured: dict[str, probes.Probe]) -> None:
    assert measured["landmarks"].auc.value == pytest.approx(0.5, abs=0.12)


def test_results_have_every_probe_with_its_interval(measured: dict[str, probes.Probe]) -> None:
    written = probes.probes_json(tuple(measured.values()))["probes"]
    assert written.keys() == {"interval", *THREE}
    low, high = written["landmarks"]["auc_ci95"]
    assert low < written["landmarks"]["auc"] < high


def test_they_are_measured_with_enough_faces_of_both_classes_alone(train: FaceDataset) -> None:
    few = build_dataset([("real", "a", 0, 2), ("swap", "b", 1, 2)])
    real = train.index._replace(label=np.zeros_like(train.index.label))
    reals = dataclasses.replace(train, index=real)
    for learnt, scored, why in (
        (None, train, "not at hand"),
        (few, train, "training faces"),
        (train, few, "test faces"),
        (train, reals, "some of each class"),
    ):
        undefined = probes.measure(learnt, scored, "mean")
        assert isinstance(undefined, Undefined)
        assert why in undefined.reason
        assert probes.probes_json(undefined) == {"probes": None, "probes_reason": undefined.reason}


def test_faces_without_landmarks_have_a_description(train: FaceDataset) -> None:
    nowhere = np.full((68, 2), np.nan, np.float32)
    for name, describe in PROBES.items():
        numbers = describe(train[0].image, nowhere)
        assert numbers.ndim == 1
        assert np.isfinite(numbers).all() == (name != "landmarks")
    same = np.full((40, 3), np.nan, np.float32)
    labels = np.arange(40) % 2
    np.testing.assert_allclose(probes.fake_chances(same, labels, same), 0.5)
