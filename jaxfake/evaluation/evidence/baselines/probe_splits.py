"""Fits a linear probe on the splits of a run, and scores faces with it."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.evaluation.evidence.baselines.frozen_features import FrozenNetwork, frozen_features
from jaxfake.evaluation.evidence.baselines.kept_features import KeptFeatures
from jaxfake.evaluation.evidence.baselines.linear_probe import (
    FittedOn,
    LabelledFeatures,
    LinearProbe,
    fit_probe,
)
from jaxfake.evaluation.evidence.protocols.frames import frames_of_videos
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores, ScoringSettings, faces_at_a_time
from jaxfake.runtime.errors import InputError

MOST_FITTED = 1000
"""Training faces of each class that a probe is fitted on, and validation faces that it is chosen by, unless
more are asked for."""

MOST_FRAMES = 8
"""Frames of a video that a probe scores; our choices, for minutes on a CPU at most."""


class ProbeData(NamedTuple):
    """What a probe is fitted on and chosen by."""

    train: LabelledFeatures
    validation: LabelledFeatures
    fitted_on: FittedOn


def probe_splits(
    network: FrozenNetwork, train: FaceDataset, val: FaceDataset, scoring: ScoringSettings
) -> LinearProbe | Undefined:
    """The probe of a network on these splits; see `probe_data`."""
    data = probe_data(network, train, val, scoring, MOST_FITTED)
    return data if isinstance(data, Undefined) else fit_probe(*data)


def probe_data(
    network: FrozenNetwork,
    train: FaceDataset,
    val: FaceDataset,
    scoring: ScoringSettings,
    most: int,
    view: Callable[[FaceDataset], Faces] = lambda faces: faces,
    keep: Path | None = None,
) -> ProbeData | Undefined:
    """Features of both splits; undefined with the reason where a class is missing.

    Args:
        network: whose features a probe takes.
        train: what it is fitted on.
        val: what its regularisation is chosen by.
        scoring: how features are computed; faces are drawn by its seed.
        most: faces of each class and split.
        view: of the training faces; a part of the name of the network, if it is not the plain one.
        keep: a folder for features that were computed so far, for a process that goes on after a kill.

    Raises:
        ValueError: a split is the test split.
    """
    if "test" in (train.split, val.split):
        raise ValueError("a probe must not see the test split")
    chosen = {faces.split: _drawn(faces, scoring.seed, most) for faces in (train, val)}
    for split, rows in chosen.items():
        for title, of_class in zip(("real", "fake"), rows, strict=True):
            if not len(of_class):
                return Undefined(f"the split {split!r} has no {title} faces to fit a probe on")
    (train_real, train_fake), (val_real, val_fake) = chosen[train.split], chosen[val.split]
    return ProbeData(
        _features(network, train, view(train), train_real, train_fake, scoring, keep),
        _features(network, val, val, val_real, val_fake, scoring, keep),
        FittedOn(
            network=network.name,
            train_sha256=train.digest,
            validation_sha256=val.digest,
            real=len(train_real),
            fake=len(train_fake),
            validation_real=len(val_real),
            validation_fake=len(val_fake),
        ),
    )


def probe_scores(
    network: FrozenNetwork,
    probe: LinearProbe,
    faces: FaceDataset,
    rows: np.ndarray,
    scoring: ScoringSettings,
) -> FrameScores:
    """P(fake) by the probe, of a few frames of each video among `rows`, int64 [n].

    Raises:
        InputError: the probe is of other features, as one may be that a person has copied.
    """
    some = frames_of_videos(faces.index, MOST_FRAMES, rows)
    if not len(some):
        return FrameScores(some, np.zeros(0), {})
    features = frozen_features(network, faces, some, scoring)
    if features.shape[1] != len(probe.weights):
        raise InputError(
            f"the linear probe takes {len(probe.weights)} features, and the network has "
            f"{features.shape[1]}: delete the probes.json of the run"
        )
    return FrameScores(some, probe.score(features), {})


def _drawn(faces: FaceDataset, seed: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of reals and of fakes, int64 each, rising; drawn where there are too many."""
    rng = np.random.default_rng(abs(seed))
    found = []
    for label in (schema.REAL, schema.FAKE):
        rows = np.flatnonzero(faces.index.label == label)
        found.append(np.sort(rng.permutation(rows)[:most]))
    return found[0], found[1]


def _features(
    network: FrozenNetwork,
    faces: FaceDataset,
    seen: Faces,
    real: np.ndarray,
    fake: np.ndarray,
    scoring: ScoringSettings,
    keep: Path | None,
) -> LabelledFeatures:
    rows = np.concatenate([real, fake])
    labels = np.repeat(np.array([schema.REAL, schema.FAKE], np.int32), [len(real), len(fake)])
    kept = None if keep is None else _kept(keep, network, faces, rows, scoring)
    return LabelledFeatures(frozen_features(network, seen, rows, scoring, kept), labels)


def _kept(
    keep: Path,
    network: FrozenNetwork,
    faces: FaceDataset,
    rows: np.ndarray,
    scoring: ScoringSettings,
) -> KeptFeatures:
    of = f"{network.name}; {faces.digest}; {hashlib.sha256(rows.tobytes()).hexdigest()}"
    return KeptFeatures(keep / faces.split, f"{of}; {faces_at_a_time(scoring)} at a time")
