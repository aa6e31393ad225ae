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
from jaxfake.evaluation.metrics.auc import roc_auc
from jaxfake.evaluation.metrics.auc_interval import auc_interval
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import json_fields

WARN_FROM = 0.7
"""AUC from which a person is warned, if its interval does not contain chance."""

TOGETHER = "all together"
"""Name of the score that is made of all attributes."""

ALL = "all"
"""Name of all splits together."""

INTERVAL = "95 %, Newcombe's method 5, by the number of identities of each class"

_FOLDS = 5
_MOST_CATEGORIES = 20  # of one attribute; the rarest count as one
_DECIMALS = 4  # in files: the last digits depend on the processor


@dataclasses.dataclass(frozen=True)
class Confound:
    """How well one attribute alone tells real from fake.

    Attributes:
        name: of the attribute, or `TOGETHER`.
        auc: larger than 0.5 whichever class has the larger values.
        ci95: its interval.
        larger_in: the class that has the larger numbers, 'fake' or 'real'; '' for a score that was learned.
        n_real, n_fake: files of which the attribute is known.
    """

    name: str
    auc: float | Undefined
    ci95: Interval | Undefined
    larger_in: str
    n_real: int
    n_fake: int

    @property
    def is_warned_of(self) -> bool:
        """Whether results on these files can be explained by this attribute."""
        if isinstance(self.auc, Undefined) or isinstance(self.ci95, Undefined):
            return False
        return self.auc >= WARN_FROM and self.ci95.low > 0.5


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
    confounds.sort(
        key=lambda one: -1.0 if isinstance(one.auc, Undefined) else one.auc, reverse=True
    )
    return *confounds, _learned(TOGETHER, together, labels, identities, every)


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
        "interval": INTERVAL,
        "warn_from": WARN_FROM,
        "attributes": {one.name: _json(one) for one in confounds},
    }


def _json(one: Confound) -> dict[str, Any]:
    auc = one.auc if isinstance(one.auc, Undefined) else round(one.auc, _DECIMALS)
    ci95 = one.ci95
    if not isinstance(ci95, Undefined):
        ci95 = Interval(round(ci95.low, _DECIMALS), round(ci95.high, _DECIMALS))
    return {
        **json_fields("auc", auc),
        **json_fields("auc_ci95", ci95),
        "larger_in": one.larger_in,
        "n_real": one.n_real,
        "n_fake": one.n_fake,
        "warning": one.is_warned_of,
    }


def _of_number(
    name: str, values: np.ndarray, labels: np.ndarray, identities: np.ndarray
) -> Confound:
    """A number as its own score, in the direction that tells more."""
    known = np.isfinite(values)
    labels, identities = labels[known], identities[known]
    auc = roc_auc(labels, values[known])
    larger_in = "fake"
    if not isinstance(auc, Undefined) and auc < 0.5:
        auc, larger_in = 1 - auc, "real"
    return _confound(name, auc, labels, identities, larger_in)


def _learned(
    name: str, features: np.ndarray, labels: np.ndarray, identities: np.ndarray, known: np.ndarray
) -> Confound:
    """P(fake) by a logistic regression on features, float [n, f], fitted to the files of other people."""
    features, labels, identities = features[known], labels[known], identities[known]
    people = [len(np.unique(identities[labels == label])) for label in (schema.REAL, schema.FAKE)]
    if min(people) < 2:
        few = Undefined("two identities of each class are needed")
        return _confound(name, few, labels, identities, "")
    # They take a second to import.
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    folds = StratifiedGroupKFold(min(_FOLDS, *people), shuffle=True, random_state=0)
    try:
        learner = LogisticRegression(max_iter=1000)
        chances = cross_val_predict(
            learner, features, labels, groups=identities, cv=folds, method="predict_proba"
        )
    except ValueError:  # few people with nearly all of a class
        few = Undefined("the identities cannot be divided so that each part has both classes")
        return _confound(name, few, labels, identities, "")
    return _confound(name, roc_auc(labels, chances[:, 1]), labels, identities, "")


def _confound(
    name: str, auc: float | Undefined, labels: np.ndarray, identities: np.ndarray, larger_in: str
) -> Confound:
    fake = labels == schema.FAKE
    interval: Interval | Undefined
    if isinstance(auc, Undefined):
        interval, larger_in = auc, ""
    else:
        people = [len(np.unique(identities[chosen])) for chosen in (~fake, fake)]
        interval = auc_interval(auc, *people)
    return Confound(name, auc, interval, larger_in, int((~fake).sum()), int(fake.sum()))


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
