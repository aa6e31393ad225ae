"""The section of the report about strength of evidence: what calibrated scores are worth."""

import numpy as np

from jaxfake.evaluation.evenly_spaced import first_to_last
from jaxfake.evaluation.evidence.calibration.measured import AlarmRow, CalibratedResult
from jaxfake.evaluation.metrics.calibration_error import equal_class_weights, reliability
from jaxfake.evaluation.metrics.likelihood_ratio import TippettCurves, tippett_curves
from jaxfake.evaluation.metrics.risk_coverage import RiskCoverage
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import figures
from jaxfake.reporting.html import Block, Figure, Section, Table, svg_source
from jaxfake.reporting.scores.model_card import perturbations_words
from jaxfake.reporting.wording import number_text

_MOST_POINTS = 1000
"""Of a curve in a figure, which has fewer pixels."""

_KINDS = {
    "temperature": "a temperature (Guo et al., 2017)",
    "platt": "a line of the logit (Platt, 1999)",
    "isotonic": "any rising function (Zadrozny and Elkan, 2002)",
}


def calibration_sentence(result: CalibratedResult) -> str:
    """What the ratios are worth in a line."""
    limits = f"{result.calibration.least:.1f} to {result.calibration.most:.1f}"
    return (
        f"Likelihood ratios (log10, {limits}): Cllr {number_text(result.cllr)} bits, and "
        f"{number_text(result.cllr_min)} after perfect calibration (0 is best, 1 says nothing)."
    )


def calibration_section(result: CalibratedResult, dataset: str = "") -> Section:
    """Calibration, likelihood ratios, thresholds and abstention; on which dataset, if of several."""
    fitted = result.calibration.fitted_on
    split = f"split {fitted.split!r}" if fitted.split else "a split that nothing names"
    said = (
        calibration_sentence(result),
        "A likelihood ratio says how many times as probable such a score is for a fake as for a real. "
        "It is not the probability that a video is fake, which also depends on what was known before.",
        f"Fitted as {_KINDS[result.calibration.kind]} on {fitted.real} real and {fitted.fake} fake "
        f"videos of {fitted.people_real} and {fitted.people_fake} people, {split}; sha256 of the "
        f"calibration {result.calibration.sha256[:12]}{perturbations_words(result.calibration)}. "
        "A ratio is never stated beyond 1 to the number "
        f"of these people plus 1.{_unknown_people(result)}",
    )
    blocks: list[Block] = [_quality_table(result)]
    if len(result.labels):
        blocks.append(_reliability(result))
    curves = tippett_curves(result.labels, result.log10_lr)
    if isinstance(curves, TippettCurves):
        blocks.append(_tippett(curves))
    blocks += [_alarm_table(result), _abstention_table(result)]
    if isinstance(result.risk, RiskCoverage):
        blocks.append(_risk(result.risk))
    title = f"Strength of evidence, {dataset}" if dataset else "Strength of evidence"
    return Section(title, said, tuple(blocks))


def _unknown_people(result: CalibratedResult) -> str:
    if result.calibration.fitted_on.people_known:
        return ""
    return (
        " Nothing says who is shown in these videos, so that each counts as another person: if somebody is "
        "in several, the limits are too wide and the thresholds promise too much."
    )


def _quality_table(result: CalibratedResult) -> Table:
    rows = [("calibrated", result.calibrated)]
    if result.raw is not None:
        rows.insert(0, ("score as it is", result.raw))
    caption = (
        "Both classes weigh the same. ECE: mean distance between P(fake) and the share of fakes, in 15 "
        "bins of equal width. Brier: mean squared distance between P(fake) and the label; always saying "
        "0.5 has 0.25."
    )
    cells = tuple((name, number_text(one.ece), number_text(one.brier)) for name, one in rows)
    return Table("Calibration", caption, ("", "ECE", "Brier"), cells)


def _reliability(result: CalibratedResult) -> Figure:
    weights = equal_class_weights(result.labels)
    curves = {}
    if result.raw is not None:
        curves["score as it is"] = reliability(result.labels, result.scores, weights)
    chances = result.calibration.chance(result.scores)
    curves["calibrated"] = reliability(result.labels, chances, weights)
    caption = (
        "On the dotted line, P(fake) is what happens. Below it, a score is too sure that videos are fake. "
        "Larger dots weigh more."
    )
    return Figure("Reliability", caption, svg_source(figures.reliability_curves(curves)))


def _tippett(curves: TippettCurves) -> Figure:
    caption = (
        "The orange curve should stay high to the right of 0, the blue one be low there. Where the blue "
        "curve crosses 0 is the share of reals with evidence that they are fake."
    )
    places = _thinned(len(curves.log10_lr))
    drawn = TippettCurves(curves.log10_lr[places], curves.reals[places], curves.fakes[places])
    return Figure("Tippett plot", caption, svg_source(figures.tippett_plot(drawn)))


def _alarm_table(result: CalibratedResult) -> Table:
    caption = (
        "Thresholds that were set on validation so that at most this share of new people like those is "
        "called fake without being it, and what they do here. A measured share well above the stated "
        "one says that these videos are unlike those of validation."
    )
    header = ("false alarms at most", "threshold", "reals called fake", "fakes called fake")
    return Table("Thresholds", caption, header, tuple(map(_alarm_row, result.alarms)))


def _alarm_row(row: AlarmRow) -> tuple[str, ...]:
    rate = f"{row.rate:.1%}"
    if isinstance(row.threshold, Undefined):
        return (rate, f"none: {row.threshold.reason}", "–", "–")
    return (
        rate,
        f"{row.threshold:.4f}",
        f"{row.false_alarms} of {row.reals}",
        f"{row.found} of {row.fakes}",
    )


def _abstention_table(result: CalibratedResult) -> Table:
    one = result.abstention
    caption = (
        f"If at most {one.error:.0%} of the reals and of the fakes may be answered wrongly, the detector "
        "abstains from scores like both classes or neither (split conformal, over people), and from inputs "
        "unlike those of validation. An abstention is no error, and its share stands beside."
    )
    header = (
        "",
        "answered",
        "reals called fake",
        "fakes called real",
        "right answers",
        "unlike inputs",
    )
    cells = (
        "share",
        f"{one.answered:.1%}",
        number_text(one.wrong_reals),
        number_text(one.wrong_fakes),
        number_text(one.accuracy),
        f"{one.out_of_range:.1%}",
    )
    return Table("Abstention", caption, header, (cells,))


def _risk(curve: RiskCoverage) -> Figure:
    places = _thinned(len(curve.risk))
    drawn = RiskCoverage(curve.coverage[places], curve.risk[places], curve.area)
    caption = (
        "The error if only the videos with the strongest evidence are answered. A useful strength of "
        f"evidence falls towards the left. Mean over all shares (AURC): {curve.area:.3f}."
    )
    return Figure("Risk and coverage", caption, svg_source(figures.risk_coverage_curve(drawn)))


def _thinned(count: int) -> np.ndarray:
    return first_to_last(count, _MOST_POINTS)
