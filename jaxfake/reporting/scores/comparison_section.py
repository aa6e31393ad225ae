"""The sections of the report that compare methods on the same videos."""

from collections.abc import Mapping, Sequence

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.evidence.method_comparison import (
    MethodAucs,
    MethodComparison,
    MethodPair,
)
from jaxfake.evaluation.metrics.auc import RocCurve
from jaxfake.evaluation.metrics.calibration_error import equal_class_weights, reliability
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import figures
from jaxfake.reporting.auc_blocks import roc_figure
from jaxfake.reporting.html import Block, Figure, Highlight, Section, Table, svg_source
from jaxfake.reporting.wording import interval_text, number_text

_HEADER = ("first", "second", "difference", "95 % interval", "p", "p (Holm)", "resampled people")


def comparison_section(
    dataset: str, found: MethodComparison, pairs: Sequence[MethodPair]
) -> Section:
    """All methods on one dataset, and every two of them."""
    people = (
        f"{found.people} people, who are the independent unit."
        if found.people_known
        else "who is shown is not known, so that each video counts as another person."
    )
    said = (
        f"{found.n_real} real and {found.n_fake} fake videos that all methods scored; {people} "
        f"{found.left_out} videos are left out, because a method has no score or nobody has a label for "
        "them."
    )
    blocks: list[Block] = [_methods(found.methods), _pairs(pairs), _manipulations(found.methods)]
    curves = {n: one.curve for n, one in found.methods.items() if isinstance(one.curve, RocCurve)}
    if curves:
        blocks.append(roc_figure("ROC curves of the first seed of each method", curves))
    blocks += _reliability(found)
    blocks += [_histogram(name, one, found.labels) for name, one in found.methods.items()]
    return Section(f"Methods on {dataset}", (said,), tuple(blocks))


def method_highlights(dataset: str, found: MethodComparison) -> tuple[Highlight, ...]:
    """The mean AUC of each method."""
    return tuple(
        Highlight(number_text(one.mean), name, f"video AUC on {dataset}, {_of_seeds(one)}")
        for name, one in found.methods.items()
    )


def _of_seeds(method: MethodAucs) -> str:
    if isinstance(method.spread, Undefined):
        return "one seed"
    return f"mean of {len(method.seeds)} seeds, sd {method.spread:.3f}"


def _reliability(found: MethodComparison) -> list[Figure]:
    """Of the methods whose scores are from 0 to 1."""
    if not len(found.labels):
        return []
    weights = equal_class_weights(found.labels)
    curves = {
        name: reliability(found.labels, one.scores, weights)
        for name, one in found.methods.items()
        if ((one.scores >= 0) & (one.scores <= 1)).all()
    }
    if not curves:
        return []
    caption = (
        "Scores of the first seed as they are, not calibrated. On the dotted line, P(fake) is what "
        "happens; below it, a method is too sure that videos are fake."
    )
    source = svg_source(figures.reliability_curves(curves))
    return [Figure("Reliability of each method", caption, source)]


def _histogram(name: str, method: MethodAucs, labels: np.ndarray) -> Figure:
    real, fake = (method.scores[labels == label] for label in (schema.REAL, schema.FAKE))
    caption = "How often each score of the first seed occurs among real and among fake videos."
    source = svg_source(figures.score_histogram(real, fake, "score of a video"))
    return Figure(f"Scores of reals and fakes, {name}", caption, source)


def pair_sentence(pair: MethodPair) -> str:
    """The comparison of two methods in a line."""
    named = f"{pair.dataset}: {pair.first} minus {pair.second}"
    if isinstance(pair.difference, Undefined):
        return f"{named}: not compared: {pair.difference.reason}."
    return (
        f"{named}: AUC {pair.difference.value:+.3f} (95 % interval "
        f"{interval_text(pair.difference.ci95)}, p {_p(pair.p_holm)} after Holm)."
    )


def method_sentence(dataset: str, name: str, method: MethodAucs) -> str:
    """A method over its seeds in a line."""
    seeds = len(method.seeds)
    over = "one seed" if seeds == 1 else f"mean ± standard deviation over {seeds} seeds"
    return f"{dataset}: {name}: video AUC {_mean(method)} ({over})."


def _methods(methods: Mapping[str, MethodAucs]) -> Table:
    caption = (
        "Mean and standard deviation over the seeds of a method, and the AUC of each seed with its 95 % "
        "interval over people."
    )
    rows = tuple(
        (
            name,
            _mean(one),
            "; ".join(f"{number_text(s.value)} ({interval_text(s.ci95)})" for s in one.seeds),
        )
        for name, one in methods.items()
    )
    return Table("Video AUC", caption, ("", "mean ± sd", "each seed"), rows)


def _manipulations(methods: Mapping[str, MethodAucs]) -> Table:
    caption = "Mean over the seeds; each manipulation against all reals."
    names = list(next(iter(methods.values())).per_manipulation)
    rows = tuple(
        (name, *(number_text(method.per_manipulation[name]) for method in methods.values()))
        for name in names
    )
    return Table("Video AUC by manipulation", caption, ("", *methods), rows)


def _pairs(pairs: Sequence[MethodPair]) -> Table:
    seeds = any(
        not isinstance(one.difference, Undefined) and one.difference.seeds_counted for one in pairs
    )
    counted = (
        "The interval and p count both who was filmed and how trainings with other seeds differ "
        "(DeLong et al., 1988, over people as Obuchowski, 1997; degrees of freedom by Satterthwaite, 1946)."
        if seeds
        else "Each method was trained once, so that the interval and p are of these trained states and not "
        "of the methods (DeLong et al., 1988, over people as Obuchowski, 1997)."
    )
    caption = (
        f"First minus second. {counted} p (Holm): corrected for all comparisons of this report. Last "
        "column: the 95 % interval by resampling people, of these trained states alone."
    )
    return Table("Every two methods", caption, _HEADER, tuple(map(_row, pairs)))


def _row(pair: MethodPair) -> tuple[str, ...]:
    names, resampled = (pair.first, pair.second), interval_text(pair.bootstrap)
    if isinstance(pair.difference, Undefined):
        return (*names, "undefined", pair.difference.reason, "–", "–", resampled)
    return (
        *names,
        f"{pair.difference.value:+.3f}",
        interval_text(pair.difference.ci95),
        _p(pair.difference.p_value),
        _p(pair.p_holm),
        resampled,
    )


def _mean(method: MethodAucs) -> str:
    if isinstance(method.spread, Undefined):
        return number_text(method.mean)
    return f"{number_text(method.mean)} ± {method.spread:.3f}"


def _p(value: float | Undefined) -> str:
    if isinstance(value, Undefined):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
