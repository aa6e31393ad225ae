"""The sections of the report about stored scores: one for each dataset, and one across datasets."""

from collections.abc import Mapping

from jaxfake import schema
from jaxfake.evaluation.evidence.cross_dataset import StoredResult
from jaxfake.evaluation.metrics.auc import RocCurve, roc_curve
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.person_bootstrap import roc_band
from jaxfake.evaluation.stored_scores.table import ScoreTable
from jaxfake.reporting import figures
from jaxfake.reporting.auc_blocks import BAND, metrics_table, roc_figure
from jaxfake.reporting.html import Block, Figure, Section, Table, svg_source
from jaxfake.reporting.wording import auc_sentence, interval_text, intervals_paragraph, number_text

_MOST_BANDED = 100_000
"""Videos above which the band of the ROC curve could not be seen."""

_BOOTSTRAPPED = {
    "auc": "AUC",
    "ap": "AP",
    "eer": "EER",
    "tpr_at_low_fpr": "TPR at FPR 1 %",
}


def stored_section(name: str, table: ScoreTable, result: StoredResult, resamples: int) -> Section:
    """The results on the dataset `name`."""
    auc, counts = result.overall.auc, result.coverage
    people = (
        "Who is shown is known, and people are the independent unit."
        if table.people_known
        else "Nothing says who is shown, so that each video counts as another person. If somebody is in "
        "several, the intervals are too narrow."
    )
    left = (
        f"Of {counts['videos']} videos, {counts['scored']} count; {counts['no_face']} have no face, "
        f"{counts['no_score']} have no score for another reason, {counts['unknown_label']} have no label."
    )
    caption = (
        "Each manipulation against the same real videos; the first row has all of them. AP: average "
        "precision. EER: equal error rate, with straight lines between the points of the ROC curve."
    )
    rows = {"all manipulations": result.overall, **result.per_manipulation}
    blocks: list[Block] = [metrics_table("By video", caption, rows)]
    blocks.append(_bootstrap_table(result, resamples))
    used = table.rows(table.scored)
    curve = roc_curve(used.label, used.score)
    if isinstance(curve, RocCurve):
        examples = used.label, used.score, used.person
        band = roc_band(*examples, BAND) if len(used) <= _MOST_BANDED else None
        blocks.append(roc_figure("ROC curve", {name: curve}, band))
    if len(used):
        blocks.append(_histogram(used))
    said = (auc_sentence(name, auc), left, people, intervals_paragraph(auc))
    return Section(f"Dataset {name}", said, tuple(blocks))


def cross_section(aucs: Mapping[tuple[str, str], Auc]) -> Section:
    """The reals of each dataset against the fakes of each."""
    names = list(dict.fromkeys(one for one, _ in aucs))
    rows = tuple((one, *(_cell(aucs[one, other]) for other in names)) for one in names)
    caption = (
        "Row: whose reals; column: whose fakes. The diagonal is the usual AUC. Where a cell off the "
        "diagonal is far from it, scores mean something else on each dataset: one threshold cannot serve "
        "both."
    )
    table = Table("Cross-AUC", caption, ("reals of", *(f"fakes of {name}" for name in names)), rows)
    said = (
        "The AUC of the real videos of one dataset against the fake videos of another, with its 95 % "
        "interval (as defined in arXiv 2604.21478; another measure has the same name)."
    )
    return Section("Across datasets", (said,), (table,))


def _cell(auc: Auc) -> str:
    return f"{number_text(auc.value)} ({interval_text(auc.ci95)})"


def _bootstrap_table(result: StoredResult, resamples: int) -> Table:
    cells = [interval_text(result.bootstrap[name]) for name in _BOOTSTRAPPED]
    caption = f"95 % percentiles over {resamples} resamples of the people (Efron, 1979)."
    return Table(
        "Intervals by resampling", caption, ("", *_BOOTSTRAPPED.values()), (("interval", *cells),)
    )


def _histogram(used: ScoreTable) -> Figure:
    real, fake = (used.score[used.label == label] for label in (schema.REAL, schema.FAKE))
    caption = "How often each score occurs among real and among fake videos."
    source = svg_source(figures.score_histogram(real, fake, "score of a video"))
    return Figure("Scores of reals and fakes", caption, source)
