"""What stored scores show on each dataset, and across datasets.

A detector may rank the videos of every dataset well and still be useless where they are mixed, because it
gives all videos of one dataset higher scores. The Cross-AUC shows that: the reals of one dataset against
the fakes of another (arXiv 2604.21478; another measure has the same name).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.detection import NO_FACE_SCORE
from jaxfake.evaluation.evidence.protocols.protocol import NoFace
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval
from jaxfake.evaluation.metrics.person_bootstrap import ranking_intervals
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.missing_videos import NO_FACE
from jaxfake.evaluation.result_files import auc_json, json_fields
from jaxfake.evaluation.score_metrics import (
    ScoreKind,
    ScoreMetrics,
    compare_with_labels,
    score_json,
)
from jaxfake.evaluation.stored_scores.table import NO_SCORE, ScoreTable


@dataclasses.dataclass(frozen=True)
class StoredResult:
    """The stored scores of one dataset, compared with its labels.

    Attributes:
        overall: over all manipulations.
        bootstrap: interval of each metric of `overall`, by resampled people.
        per_manipulation: each against the same reals.
        coverage: how many videos there are, are scored with a known label, have no face, have no score for
            another reason, and have no known label.
    """

    overall: ScoreMetrics
    bootstrap: dict[str, Interval | Undefined]
    per_manipulation: dict[str, ScoreMetrics]
    coverage: dict[str, int]


def with_no_face(table: ScoreTable, rule: NoFace) -> ScoreTable:
    """The table with the score that a protocol gives to videos for which a detector found no face."""
    faceless = np.isin(table.status, (NO_FACE, NO_SCORE))
    score = NO_FACE_SCORE if rule == "half" and table.probability else np.nan
    return dataclasses.replace(table, score=np.where(faceless, score, table.score))


def measure_stored(table: ScoreTable, bootstrap: Bootstrap) -> StoredResult:
    """The metrics of one dataset; videos without a score or a known label are counted and left out."""
    kind = ScoreKind("score", table.probability)
    used = table.rows(table.scored)
    examples = used.label, used.score, used.person
    fakes = np.unique(used.method[used.label == schema.FAKE].astype(str)).tolist()
    return StoredResult(
        overall=compare_with_labels(*examples, kind),
        bootstrap=ranking_intervals(*examples, bootstrap),
        per_manipulation={name: _of_manipulation(used, name, kind) for name in fakes},
        coverage={
            "videos": len(table),
            "scored": len(used),
            "no_face": int((table.status == NO_FACE).sum()),
            "no_score": int((~np.isfinite(table.score) & (table.status != NO_FACE)).sum()),
            "unknown_label": int((table.label == schema.UNKNOWN).sum()),
        },
    )


def cross_aucs(parts: Mapping[str, ScoreTable]) -> dict[tuple[str, str], Auc]:
    """The AUC of the reals of a first dataset against the fakes of a second, by both names."""
    return {(one, other): _cross_auc(parts[one], parts[other]) for one in parts for other in parts}


def stored_json(result: StoredResult) -> dict[str, Any]:
    """As metrics.json has it."""
    fields: dict[str, Any] = {}
    for name, interval in result.bootstrap.items():
        fields |= json_fields(name, interval)
    return {
        "video": score_json(result.overall),
        "bootstrap_ci95": fields,
        "per_method": {name: score_json(one) for name, one in result.per_manipulation.items()},
        "coverage": result.coverage,
    }


def cross_json(aucs: Mapping[tuple[str, str], Auc]) -> list[dict[str, Any]]:
    """As metrics.json has it, an entry for each pair."""
    return [
        {"reals_of": one, "fakes_of": other, **auc_json(auc)} for (one, other), auc in aucs.items()
    ]


def _of_manipulation(used: ScoreTable, name: str, kind: ScoreKind) -> ScoreMetrics:
    fakes = (used.label == schema.FAKE) & (used.method == name)
    chosen = used.rows((used.label == schema.REAL) | fakes)
    return compare_with_labels(chosen.label, chosen.score, chosen.person, kind)


def _cross_auc(first: ScoreTable, second: ScoreTable) -> Auc:
    """People of different datasets are different people."""
    reals = first.rows(first.scored & (first.label == schema.REAL))
    fakes = second.rows(second.scored & (second.label == schema.FAKE))
    apart = 0 if first is second else int(first.person.max()) + 1
    return measure_auc(
        np.concatenate([reals.label, fakes.label]),
        np.concatenate([reals.score, fakes.score]),
        np.concatenate([reals.person, fakes.person + apart]),
    )
