"""How well the files alone, without a look at any face, tell real from fake.

A detector can learn nothing from a dataset but that its fakes are PNGs. So the AUC of every attribute
of the source files is stated beside that of the detector. A number is its own score. A format is made a
score by a logistic regression, and so are all attributes together; both are cross-validated by
identity, because otherwise rare formats would tell every file apart.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.data import source_table
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation.source_facts.attributes import CATEGORIES, NUMBERS
from jaxfake.data.source_table import Source
from jaxfake.evaluation.aggregate import VideoScores, scored
from jaxfake.evaluation.metrics.auc_interval import METHOD, Auc, measure_auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.score_metrics import auc_json

WARN_FROM = 0.7
"""AUC from which a person is warned."""

TOGETHER = "all together"
"""Name of the score that is made of all attributes."""

ALL = "all"
"""Name of all splits together."""

_FEWEST = 3  # files of each class: of fewer, most attributes tell all by chance
_FOLDS = 5
_MOST_CATEGORIES = 20  # of one attribute; the rarest count as one
_DECIMALS = 4  # in files: the last digits depend on the processor


@dataclasses.dataclass(frozen=True)
class Confound:
    """How well one attribute alone tells real from fake.

    Attributes:
        name: of the attribute, or `TOGETHER`.
        auc: over the files of which it is known; 0.5 or more whichever class has the larger numbers.
        larger_in: that class, 'fake' or 'real'; '' for a score that was learned.
    """

    name: str
    auc: Auc
    larger_in: str

    @property
    def is_warned_of(self) -> bool:
        """Whether results on these files may be explained by this attribute."""
        enough = min(self.auc.n_real, self.auc.n_fake) >= _FEWEST
        return enough and not isinstance(self.auc.value, Undefined) and self.auc.value >= WARN_FROM

    @property
    def may_be_chance(self) -> bool:
        """Whether so few people may differ that much by chance."""
        return isinstance(self.auc.ci95, Undefined) or self.auc.ci95.low <= 0.5


def measure(sources: Sequence[Source]) -> tuple[Confound, ...]:
    """Every attribute that any of the files has, the one that tells most first; then all together.

    Args:
        sources: files; those whose label is unknown are left out.
    """
    known = [one for one in sources if one.label != schema.UNKNOWN]
    labels = np.array([one.label for one in known], np.int32)
    identities = np.array([one.identity for one in known])
    numbers = {name: _numbers(known, name) for name in NUMBERS}
    texts = {
        name: np.array([getattr(one.attributes, name) for one in known]) for name in CATEGORIES
    }
    confounds = [
        _of_number(name, values, labels, identities)
        for name, values in numbers.items()
        if np.isfinite(values).any()
    ]
    confounds += [
        _learned(name, _one_hot(values), labels, identities, values != "")
        for name, values in texts.items()
        if (values != "").any()
    ]
    features = [*map(_ranked, numbers.values()), *map(_one_hot, texts.values())]
    together = np.concatenate(features, axis=1) if known else np.zeros((0, 0))
    every = np.ones(len(known), np.bool_)
    confounds.sort(key=_value, reverse=True)
    return *confounds, _learned(TOGETHER, together, labels, identities, every)


def _value(one: Confound) -> float:
    return 0.0 if isinstance(one.auc.value, Undefined) else one.auc.value


def by_split(sources: Sequence[Source]) -> dict[str, Any]:
    """The same for the files with a face of each split and of all, as coverage.json has it."""
    used = [one for one in sources if one.status == "ok"]
    splits = sorted({one.split for one in used})
    parts = {split: [one for one in used if one.split == split] for split in splits}
    return confounds_json(measure(used)) | {
        "splits": {split: confounds_json(measure(part)) for split, part in parts.items()}
    }


def of_videos(dataset: FaceDataset, videos: VideoScores) -> tuple[Confound, ...] | Undefined:
    """The attributes of the files of the videos that are scored; Undefined if the dataset has none."""
    sources = source_table.read(dataset.folder)
    if sources is None:
        return Undefined(
            "the dataset has no table of its source files, as drawn faces and earlier versions"
        )
    names = set(zip(videos.method[scored(videos)], videos.video_id[scored(videos)], strict=True))
    return measure(
        [
            one
            for one in sources
            if one.split == dataset.split and (one.method, one.video_id) in names
        ]
    )


def confounds_json(confounds: Sequence[Confound]) -> dict[str, Any]:
    """As result files have them: by name, with the counts."""
    return {
        "interval": METHOD,
        "warn_from": WARN_FROM,
        "attributes": {one.name: _json(one) for one in confounds},
    }


def _json(one: Confound) -> dict[str, Any]:
    rounded = {key: _rounded(value) for key, value in auc_json(one.auc).items()}
    warning = {"warning": one.is_warned_of, "may_be_chance": one.may_be_chance}
    return {**rounded, "larger_in": one.larger_in, **warning}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _of_number(
    name: str, values: np.ndarray, labels: np.ndarray, identities: np.ndarray
) -> Confound:
    """A number as its own score, in the direction that tells more."""
    known = np.isfinite(values)
    values, labels, identities = values[known], labels[known], identities[known]
    auc = measure_auc(labels, values, identities)
    if isinstance(auc.value, Undefined):
        return Confound(name, auc, "")
    if auc.value >= 0.5:
        return Confound(name, auc, "fake")
    return Confound(name, measure_auc(labels, -values, identities), "real")


def _learned(
    name: str, features: np.ndarray, labels: np.ndarray, identities: np.ndarray, known: np.ndarray
) -> Confound:
    """P(fake) by a logistic regression on features, float [n, f], fitted to the files of other people."""
    features, labels, identities = features[known], labels[known], identities[known]
    chances = _chances(features, labels, identities)
    if chances is not None:
        return Confound(name, measure_auc(labels, chances, identities), "")
    nothing = measure_auc(labels, np.zeros(len(labels)), identities)
    few = Undefined("two people of each class are needed, in parts that have both")
    return Confound(name, dataclasses.replace(nothing, value=few, ci95=few), "")


def _chances(features: np.ndarray, labels: np.ndarray, identities: np.ndarray) -> np.ndarray | None:
    """P(fake) of each file, float [n]; None if people cannot be divided into parts with both classes."""
    people = [len(np.unique(identities[labels == label])) for label in (schema.REAL, schema.FAKE)]
    if min(people) < 2:
        return None
    # They take a second to import.
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    chances = np.zeros(len(labels))
    folds = StratifiedGroupKFold(min(_FOLDS, *people), shuffle=True, random_state=0)
    for others, these in folds.split(features, labels, identities):
        if len(np.unique(labels[others])) < 2:
            return None
        learner = LogisticRegression(max_iter=1000).fit(features[others], labels[others])
        chances[these] = learner.predict_proba(features[these])[:, 1]
    return chances


def _numbers(sources: Sequence[Source], name: str) -> np.ndarray:
    """float64 [n], NaN where it is not known."""
    return np.array([getattr(one.attributes, name) for one in sources], np.float64)


def _ranked(values: np.ndarray) -> np.ndarray:
    """Ranks from -1 to 1, 0 where the value is not known, and whether it is: float64 [n, 2]."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = np.zeros(len(values))
    if known.any():
        ranks[known] = 2 * (rankdata(values[known]) - 0.5) / known.sum() - 1
    return np.stack([ranks, known], axis=1)


def _one_hot(values: np.ndarray) -> np.ndarray:
    """A column for each frequent text, and one for all others: float64 [n, c]."""
    names, column, counts = np.unique(values, return_inverse=True, return_counts=True)
    place = np.empty(len(names), np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(names))
    return np.eye(_MOST_CATEGORIES)[np.minimum(place[column], _MOST_CATEGORIES - 1)]
