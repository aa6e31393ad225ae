"""What boosted trees tell of a face without relating its parts: probes, to be stated beside the detector.

A detector that claims to see whether parts agree has to be better than all of them. Each probe learns
from one description (`probe_features`) of the very faces that the detector was trained on, and is
measured on the same videos.
"""

import dataclasses
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.aggregate import per_video
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.evaluation.evidence.probe_features import PROBES
from jaxfake.evaluation.metrics.auc_interval import METHOD, Auc, measure_auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import auc_json, json_fields
from jaxfake.runtime.progress import Progress

FEWEST, MOST = 400, 20_000
"""Faces of each split with which probes are measured; more would take minutes. Our choice."""

MOST_TRAINED = 6000
"""The probes learn from at most so many faces, evenly spaced."""

_LEARNER = {
    "max_iter": 100,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 20,
    "max_features": 0.3,
    "class_weight": "balanced",
    "early_stopping": False,
    "random_state": 0,
}


@dataclasses.dataclass(frozen=True)
class Probe:
    """One description of faces, and the video AUC of what was learnt from it."""

    name: str
    auc: Auc


def measure(
    train: FaceDataset | None, test: FaceDataset, aggregation: Aggregation
) -> tuple[Probe, ...] | Undefined:
    """All probes, in the order of `PROBES`.

    Args:
        train: what the detector was trained on; None if it is not at hand.
        test: whose videos are scored; those without a known label are left out.
        aggregation: how the scores of a video's faces become one, as the detector's do.
    """
    if train is None:
        return Undefined("the faces that the detector was trained on are not at hand")
    learnt = evenly_spaced_rows(np.flatnonzero(train.index.label != schema.UNKNOWN), MOST_TRAINED)
    rows = np.flatnonzero(test.index.label != schema.UNKNOWN)
    for name, faces, of_class in (
        ("training", learnt, train.index.label[learnt]),
        ("test", rows, test.index.label[rows]),
    ):
        if len(faces) < FEWEST or len(np.unique(of_class)) < 2:
            return Undefined(f"{FEWEST} {name} faces, some of each class, are needed")
    if len(rows) > MOST:
        return Undefined(f"more than {MOST} faces would take long")
    return _measured(train, learnt, test, rows, aggregation)


def _measured(
    train: FaceDataset,
    learnt: np.ndarray,
    test: FaceDataset,
    rows: np.ndarray,
    aggregation: Aggregation,
) -> tuple[Probe, ...]:
    described, scored = _described(train, learnt), _described(test, rows)
    labels = train.index.label[learnt]
    probes = []
    with Progress("learning from single cues", len(PROBES), "probes") as progress:
        for name in PROBES:
            chances = fake_chances(described[name], labels, scored[name])
            probes.append(
                Probe(name, _video_auc(test, FrameScores(rows, chances, {}), aggregation))
            )
            progress.advance(1)
    return tuple(probes)


def fake_chances(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """P(fake) of other faces, float64 [m], by trees that learn from faces with labels.

    Args:
        features: float32 [n, f].
        labels: int [n], 0 real, 1 fake.
        others: float32 [m, f].
    """
    # They take a second to import.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    seen = np.isfinite(features).any(axis=0)
    if not seen.any():
        return np.full(len(others), 0.5)
    # Several threads would wait for each other whenever a core is busy with something else.
    with threadpool_limits(1, "openmp"):
        learner = HistGradientBoostingClassifier(**_LEARNER).fit(features[:, seen], labels)
        return np.asarray(learner.predict_proba(others[:, seen])[:, 1])


def _described(faces: FaceDataset, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The faces as each probe sees them, float32 [n, f]."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in PROBES}
    with Progress("describing single cues", len(rows), "faces") as progress:
        for row in rows.tolist():
            example = faces[row]
            for name, describe in PROBES.items():
                found[name].append(describe(example.image, example.landmarks))
            progress.advance(1)
    return {name: np.array(values, np.float32) for name, values in found.items()}


def _video_auc(faces: FaceDataset, frames: FrameScores, aggregation: Aggregation) -> Auc:
    videos = per_video(faces.index, frames, aggregation)
    people = np.char.add(np.char.add(videos.dataset, "/"), videos.identity)
    return measure_auc(videos.label, videos.score, people)


def probes_json(probes: tuple[Probe, ...] | Undefined) -> dict[str, Any]:
    """As metrics.json has them."""
    if isinstance(probes, Undefined):
        return json_fields("probes", probes)
    return {"probes": {"interval": METHOD, **{one.name: auc_json(one.auc) for one in probes}}}
