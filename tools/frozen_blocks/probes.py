"""Probes on some blocks, fitted to some origins of fakes, and what they reach on the test split."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.forgeries.forgery import KINDS
from jaxfake.evaluation.evidence.baselines.linear_probe import (
    FittedOn,
    LabelledFeatures,
    LinearProbe,
    fit_probe,
)
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from tools.frozen_blocks.faces import BLENDED, FAKE, REAL, known


class Row(NamedTuple):
    """A probe and what it reaches."""

    trained_on: str
    blocks: tuple[int, ...]
    validation_auc: float
    test: Auc


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """Of every set of `face_sets` by its name, float16 [n, depth, 2 D], with the labelled splits."""

    sets: Mapping[str, np.ndarray]
    val: FaceDataset
    test: FaceDataset


def probe_rows(features: Features, blocks: tuple[int, ...]) -> Iterator[Row]:
    """Each block alone, and `blocks`, from the dataset's fakes; `blocks` from forgeries."""
    title = "the dataset's fakes"
    for block in range(1, features.sets[REAL].shape[1] + 1):
        yield probe_row(features, title, REAL, [FAKE], (block,))
    yield probe_row(features, title, REAL, [FAKE], blocks)
    kinds: list[str] = list(KINDS)
    yield probe_row(features, "forgeries of all kinds", BLENDED, kinds, blocks)
    yield probe_row(features, "the same, no real blended with itself", REAL, kinds, blocks)
    for kind in kinds:
        yield probe_row(features, f"{kind} alone", BLENDED, [kind], blocks)
        others = [other for other in kinds if other != kind]
        yield probe_row(features, f"all kinds but {kind}", BLENDED, others, blocks)


def probe_row(
    features: Features, title: str, real: str, fakes: Sequence[str], blocks: tuple[int, ...]
) -> Row:
    """A probe on some blocks, fitted to real faces and equal shares of the sets of fakes."""
    probe, test = _fitted(features, real, fakes, blocks), _of_split(features, features.test, blocks)
    people = features.test.index.identity[known(features.test)]
    measured = measure_auc(test.label, probe.score(test.features), people)
    return Row(title, blocks, probe.validation_auc, measured)


def likeness(features: Features, blocks: tuple[int, ...]) -> dict[str, Auc]:
    """How far the probe of the dataset's fakes takes each kind of forgeries for fakes, by kind.

    AUC of its scores of forgeries against the same faces, half of them blended with themselves; each face
    counts as another person.
    """
    probe = _fitted(features, REAL, [FAKE], blocks)
    reals = probe.score(_of_blocks(features.sets[BLENDED], blocks))
    found: dict[str, Auc] = {}
    for kind in KINDS:
        forged = probe.score(_of_blocks(features.sets[kind], blocks))
        people = np.concatenate([np.arange(len(reals)), np.arange(len(forged))])
        found[kind] = measure_auc(_labels(reals, forged), np.concatenate([reals, forged]), people)
    return found


def _fitted(
    features: Features, real: str, fakes: Sequence[str], blocks: tuple[int, ...]
) -> LinearProbe:
    reals = _of_blocks(features.sets[real], blocks)
    fake = _of_blocks(equal_shares([features.sets[name] for name in fakes]), blocks)
    train = LabelledFeatures(np.concatenate([reals, fake]), _labels(reals, fake))
    fitted_on = FittedOn("imported", "", "", len(reals), len(fake), 0, 0)
    return fit_probe(train, _of_split(features, features.val, blocks), fitted_on)


def _labels(reals: np.ndarray, fakes: np.ndarray) -> np.ndarray:
    return np.repeat(np.array([0, 1], np.int32), [len(reals), len(fakes)])


def equal_shares(sets: Sequence[np.ndarray]) -> np.ndarray:
    """As many faces as one set has, from all k of them: the i-th gives faces i, i + k, i + 2 k, ..."""
    return np.concatenate([one[i :: len(sets)] for i, one in enumerate(sets)])


def _of_split(features: Features, split: FaceDataset, blocks: tuple[int, ...]) -> LabelledFeatures:
    label = split.index.label[known(split)].astype(np.int32)
    return LabelledFeatures(_of_blocks(features.sets[split.split], blocks), label)


def _of_blocks(features: np.ndarray, blocks: tuple[int, ...]) -> np.ndarray:
    chosen = features[:, [block - 1 for block in blocks]]
    return chosen.reshape(len(features), -1).astype(np.float32)
