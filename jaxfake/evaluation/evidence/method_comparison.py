"""Compares methods on the videos that all of them scored, each trained with one or more seeds.

Every two methods are compared by `paired_auc`, and all p-values of a table are corrected together (Holm,
1979). The interval of the paired bootstrap over people stands beside, as a check that assumes less; it does
not count how trainings differ.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.auc import RocCurve, roc_auc, roc_curve
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from jaxfake.evaluation.metrics.holm import holm
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval
from jaxfake.evaluation.metrics.paired_auc import AucDifference, compare_aucs
from jaxfake.evaluation.metrics.person_bootstrap import percentiles, resample
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import auc_json, json_fields
from jaxfake.evaluation.stored_scores.alignment import AlignedScores, align
from jaxfake.evaluation.stored_scores.table import ScoreTable


@dataclasses.dataclass(frozen=True, eq=False)
class MethodAucs:
    """A method over its seeds.

    Attributes:
        seeds: the AUC of each, with its interval over people.
        mean: of them.
        spread: their standard deviation; undefined for a single seed.
        per_manipulation: mean over the seeds, of each manipulation against all reals.
        curve: ROC curve of the first seed.
        scores: of the first seed, float64 [v].
    """

    seeds: tuple[Auc, ...]
    mean: float | Undefined
    spread: float | Undefined
    per_manipulation: dict[str, float | Undefined]
    curve: RocCurve | Undefined
    scores: np.ndarray


@dataclasses.dataclass(frozen=True)
class MethodPair:
    """The mean AUC of a first method minus that of a second.

    Attributes:
        p_holm: the p-value, corrected for all comparisons of the table.
        bootstrap: interval by resampled people, of these trainings alone.
    """

    dataset: str
    first: str
    second: str
    difference: AucDifference | Undefined
    p_holm: float | Undefined
    bootstrap: Interval | Undefined


@dataclasses.dataclass(frozen=True, eq=False)
class MethodComparison:
    """All methods on one dataset.

    Attributes:
        methods: by name.
        labels: of the videos that all of them scored, int [v].
        n_real, n_fake: videos that all of them scored.
        people: that these show.
        people_known: whether that is known; if not, each video counts as another person.
        left_out: videos that one of them did not score.
    """

    methods: Mapping[str, MethodAucs]
    labels: np.ndarray
    n_real: int
    n_fake: int
    people: int
    people_known: bool
    left_out: int


def compare_methods(
    methods: Mapping[str, Sequence[Mapping[str, ScoreTable]]], bootstrap: Bootstrap
) -> tuple[dict[str, MethodComparison], list[MethodPair]]:
    """The methods on each dataset that all have, and every pair of them.

    Args:
        methods: for each name and each seed the scores of each dataset, as `table.by_dataset` has them.
        bootstrap: how people are resampled.

    Raises:
        InputError: the tables do not have the same videos and labels.
    """
    every = [set(seed) for seeds in methods.values() for seed in seeds]
    datasets = sorted(set.intersection(*every))
    found, pairs = {}, []
    for dataset in datasets:
        at = align([seed[dataset] for seeds in methods.values() for seed in seeds])
        scores = iter(at.scores)
        by_method = {name: list(itertools.islice(scores, len(s))) for name, s in methods.items()}
        found[dataset] = _comparison(at, by_method)
        pairs += _pairs(dataset, at, by_method, bootstrap)
    return found, _corrected(pairs)


def comparison_json(
    found: Mapping[str, MethodComparison], pairs: Sequence[MethodPair]
) -> dict[str, Any]:
    """As comparison.json has it."""
    return {
        "datasets": {
            name: {
                **{
                    key: getattr(one, key)
                    for key in ("n_real", "n_fake", "people", "people_known", "left_out")
                },
                "methods": {name: _method_json(method) for name, method in one.methods.items()},
            }
            for name, one in found.items()
        },
        "pairs": [_pair_json(pair) for pair in pairs],
    }


def _comparison(
    at: AlignedScores, by_method: Mapping[str, Sequence[np.ndarray]]
) -> MethodComparison:
    return MethodComparison(
        methods={name: _over_seeds(at, scores) for name, scores in by_method.items()},
        labels=at.label,
        n_real=int((at.label == schema.REAL).sum()),
        n_fake=int((at.label == schema.FAKE).sum()),
        people=len(np.unique(at.person)),
        people_known=at.people_known,
        left_out=at.left_out,
    )


def _over_seeds(at: AlignedScores, scores: Sequence[np.ndarray]) -> MethodAucs:
    seeds = tuple(measure_auc(at.label, one, at.person) for one in scores)
    values = [one.value for one in seeds if not isinstance(one.value, Undefined)]
    spread: float | Undefined = Undefined("one seed has no spread")
    if len(values) > 1:
        spread = float(np.std(values, ddof=1))
    method, fakes = np.array([key[1] for key in at.keys]), at.label == schema.FAKE
    return MethodAucs(
        seeds=seeds,
        mean=_mean_auc(at.label, scores),
        spread=spread,
        per_manipulation={
            name: _mean_auc(
                at.label, scores, (at.label == schema.REAL) | (fakes & (method == name))
            )
            for name in np.unique(method[fakes]).tolist()
        },
        curve=roc_curve(at.label, scores[0]),
        scores=scores[0],
    )


def _mean_auc(
    labels: np.ndarray, scores: Sequence[np.ndarray], chosen: np.ndarray | slice = slice(None)
) -> float | Undefined:
    """The mean over seeds, of the chosen videos; they have one class for all seeds or for none."""
    aucs = [roc_auc(labels[chosen], one[chosen]) for one in scores]
    undefined = [one for one in aucs if isinstance(one, Undefined)]
    return undefined[0] if undefined else float(np.mean([a for a in aucs if isinstance(a, float)]))


def _pairs(
    dataset: str,
    at: AlignedScores,
    by_method: Mapping[str, Sequence[np.ndarray]],
    bootstrap: Bootstrap,
) -> list[MethodPair]:
    resampled = {
        name: np.mean(
            [resample(at.label, one, at.person, bootstrap)[:, 0] for one in scores], axis=0
        )
        for name, scores in by_method.items()
    }
    waits = Undefined("not corrected yet")
    return [
        MethodPair(
            dataset,
            one,
            other,
            compare_aucs(at.label, by_method[one], by_method[other], at.person),
            waits,
            percentiles(resampled[one] - resampled[other]),
        )
        for one, other in itertools.combinations(by_method, 2)
    ]


def _corrected(pairs: Sequence[MethodPair]) -> list[MethodPair]:
    """With the p-values of all comparisons that have one corrected together."""
    known = [one.difference.p_value for one in pairs if isinstance(one.difference, AucDifference)]
    corrected = iter(holm(known))
    return [
        dataclasses.replace(
            one,
            p_holm=next(corrected) if isinstance(one.difference, AucDifference) else one.difference,
        )
        for one in pairs
    ]


def _method_json(method: MethodAucs) -> dict[str, Any]:
    return {
        **json_fields("mean_auc", method.mean),
        **json_fields("standard_deviation", method.spread),
        "per_method": {
            name: json_fields("mean_auc", value) for name, value in method.per_manipulation.items()
        },
        "seeds": [auc_json(one) for one in method.seeds],
    }


def _pair_json(pair: MethodPair) -> dict[str, Any]:
    fields: dict[str, Any] = {"dataset": pair.dataset, "first": pair.first, "second": pair.second}
    if isinstance(pair.difference, Undefined):
        fields |= json_fields("difference", pair.difference)
    else:
        fields |= {
            "difference": pair.difference.value,
            "ci95": list(pair.difference.ci95),
            "p_value": pair.difference.p_value,
            "seeds_counted": pair.difference.seeds_counted,
        }
    return (
        fields | json_fields("p_holm", pair.p_holm) | json_fields("bootstrap_ci95", pair.bootstrap)
    )
