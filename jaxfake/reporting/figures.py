"""The plots of the report, as SVG. The same numbers give the same bytes."""

import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxfake.evaluation.metrics.auc import RocCurve
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.calibration_error import Reliability
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.likelihood_ratio import TippettCurves
from jaxfake.evaluation.metrics.person_bootstrap import RocBand
from jaxfake.evaluation.metrics.risk_coverage import RiskCoverage
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting.training.training_log import TrainingLog
from jaxfake.train.memory.timeline import QUEUES, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _REAL, _FAKE, _BAR = "#333333", "#0072b2", "#d55e00", "#a6cbe3"
_CYCLE = (_INK, _REAL, _FAKE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")
"""Colours that colour-blind readers can distinguish (Okabe and Ito, 2008)."""

_DASHES = ("-", "--", "-.", ":")

_STYLE: Any = {
    "text.parse_math": False,  # a dollar sign in a name is not the start of a formula
    "svg.hashsalt": "jaxfake",
    "svg.fonttype": "path",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def _styled[**P](plot: Callable[P, bytes]) -> Callable[P, bytes]:
    """The plot in the style of the report. The first one imports matplotlib, which takes half a second."""

    @functools.wraps(plot)
    def styled(*args: P.args, **kwargs: P.kwargs) -> bytes:
        import matplotlib

        with matplotlib.rc_context(_STYLE):
            return plot(*args, **kwargs)

    return styled


@_styled
def training_curve(log: TrainingLog) -> bytes:
    """Loss, speed and validation scores over the steps."""
    figure = _figure(8.0, 3.0)
    loss, speed, *others = figure.subplots(1, 2 + len(log.validation))
    loss.plot(log.step, log.loss, color=_INK)
    loss.set(xlabel="step", ylabel="loss", ylim=(0, None))
    speed.plot(log.step, log.faces_per_second, color=_INK)
    speed.set(xlabel="step", ylabel="faces per second", ylim=(0, None))
    for axes, (name, scores) in zip(others, log.validation.items(), strict=True):
        axes.plot(scores.step, scores.score, "o-", color=_REAL, markersize=4)
        best = len(scores.score) - 1 - int(np.argmax(scores.score[::-1]))
        axes.plot(scores.step[best], scores.score[best], "o", color=_FAKE, markersize=8)
        axes.set(xlabel="step", ylabel=_short(name), xlim=(0, None))
    return svg(figure)


@_styled
def roc_curves(curves: Mapping[str, RocCurve], band: RocBand | None = None) -> bytes:
    """ROC curves by name; the first is drawn thicker, with its band."""
    figure = _figure(6.4, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, linestyle=":")
    if band is not None:
        axes.fill_between(
            band.false_positive, band.low, band.high, color=_INK, alpha=0.12, linewidth=0
        )
    for n, (name, curve) in enumerate(curves.items()):
        axes.plot(
            curve.false_positive,
            curve.true_positive,
            color=_CYCLE[n % len(_CYCLE)],
            linestyle=_DASHES[n // len(_CYCLE) % len(_DASHES)],
            linewidth=2.4 if n == 0 else 1.2,
            label=_short(name),
        )
    axes.set(xlabel="share of reals called fake", ylabel="share of fakes called fake")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    figure.legend(loc="outside right upper", fontsize=9)
    return svg(figure)


@_styled
def score_histogram(real: np.ndarray, fake: np.ndarray, name: str) -> bytes:
    """Histogram of the scores of both classes, float [n] each, as shares of each class."""
    figure = _figure(6.4, 3.2)
    axes = figure.subplots()
    edges = np.histogram_bin_edges(np.concatenate([real, fake]), bins=30).tolist()
    for scores, label, colour in ((real, "real", _REAL), (fake, "fake", _FAKE)):
        if len(scores):
            share = np.full(len(scores), 1 / len(scores))
            axes.hist(scores, edges, weights=share, alpha=0.2, color=colour)
            axes.hist(
                scores,
                edges,
                weights=share,
                histtype="step",
                linewidth=1.6,
                color=colour,
                label=f"{label} ({len(scores)} videos)",
            )
    axes.set(xlabel=_short(name), ylabel="share of the class")
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    return svg(figure)


@_styled
def auc_bars(aucs: Mapping[str, Auc]) -> bytes:
    """A bar from chance to the AUC of each name, with its interval; none for an undefined AUC."""
    names = list(aucs)
    figure = _figure(6.4, 0.9 + 0.34 * len(names))
    axes = figure.subplots()
    axes.axvline(0.5, color="#888888", linewidth=1)
    for place, name in enumerate(names):
        _auc_bar(axes, place, aucs[name])
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set(xlabel="video AUC (0.5 is chance)", xlim=(0, 1), ylim=(len(names) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    return svg(figure)


@_styled
def reliability_curves(curves: Mapping[str, Reliability]) -> bytes:
    """Share of fakes against P(fake), by name; the area of a dot is the weight of its bin."""
    figure = _figure(6.4, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, linestyle=":")
    for n, (name, curve) in enumerate(curves.items()):
        colour, dashes = _CYCLE[n % len(_CYCLE)], _DASHES[n % len(_DASHES)]
        axes.plot(curve.predicted, curve.fakes, dashes, color=colour, label=_short(name))
        axes.scatter(curve.predicted, curve.fakes, s=20 + 300 * curve.weight, color=colour)
    axes.set(xlabel="P(fake)", ylabel="share of fakes, both classes weighing the same")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    figure.legend(loc="outside right upper", fontsize=9)
    return svg(figure)


@_styled
def tippett_plot(curves: TippettCurves) -> bytes:
    """Share of each class with at least such a ratio."""
    figure = _figure(6.4, 3.4)
    axes = figure.subplots()
    axes.axvline(0, color="#888888", linewidth=1)
    for share, label, colour in (
        (curves.fakes, "fakes with at least this ratio", _FAKE),
        (curves.reals, "reals with at least this ratio", _REAL),
    ):
        axes.step(curves.log10_lr, share, where="pre", color=colour, label=label)
    axes.set(xlabel="log10 likelihood ratio (0: says nothing)", ylabel="share of the class")
    axes.set(ylim=(-0.02, 1.02))
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    return svg(figure)


@_styled
def risk_coverage_curve(curve: RiskCoverage) -> bytes:
    """Share of wrong answers against the share that is answered."""
    figure = _figure(6.4, 3.2)
    axes = figure.subplots()
    axes.step(curve.coverage, curve.risk, where="post", color=_INK)
    axes.set(xlabel="share of the videos that is answered, the strongest evidence first")
    axes.set(ylabel="share of wrong answers", xlim=(0, 1.01), ylim=(0, None))
    return svg(figure)


@_styled
def level_curves(curves: Mapping[str, Sequence[Auc]]) -> bytes:
    """AUC by level from 0 on, by name, with bands of the intervals; undefined ones are left out."""
    figure = _figure(6.4, 4.0)
    axes = figure.subplots()
    axes.axhline(0.5, color="#888888", linewidth=1)
    for n, (name, aucs) in enumerate(curves.items()):
        colour = _CYCLE[n % len(_CYCLE)]
        known = [(k, one.value) for k, one in enumerate(aucs) if isinstance(one.value, float)]
        style = _DASHES[n // len(_CYCLE) % len(_DASHES)]
        if known:
            axes.plot(*zip(*known, strict=True), f"o{style}", color=colour, label=_short(name))
        bands = [(k, *one.ci95) for k, one in enumerate(aucs) if isinstance(one.ci95, Interval)]
        if bands:
            level, low, high = zip(*bands, strict=True)
            axes.fill_between(level, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="level (0: undisturbed)", ylabel="video AUC (0.5 is chance)", ylim=(0, 1.02))
    figure.legend(loc="outside right upper", fontsize=9)
    return svg(figure)


@_styled
def shares(parts: Mapping[str, Mapping[str, float]]) -> bytes:
    """One bar for each name, divided into parts; all bars have the same parts."""
    figure = _figure(8.0, 1.5 + 0.45 * len(parts))
    axes = figure.subplots()
    for place, values in enumerate(parts.values()):
        whole, left = sum(values.values()), 0.0
        for n, (name, value) in enumerate(values.items()):
            colour, label = _CYCLE[(n + 1) % len(_CYCLE)], _short(name) if place == 0 else None
            axes.barh(place, value / whole, left=left, height=0.6, color=colour, label=label)
            left += value / whole
    axes.set_yticks(range(len(parts)), [_short(name) for name in parts])
    axes.set(xlabel="share of the wall time", xlim=(0, 1), ylim=(len(parts) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper center", ncols=4, fontsize=9)
    return svg(figure)


@_styled
def timelines(lines: Mapping[str, Timeline]) -> bytes:
    """Simulated timelines by name, over one axis of time; a row is a queue."""
    figure = _figure(8.0, 0.6 + 1.5 * len(lines))
    several: Any = figure.subplots(len(lines), 1, sharex=True, squeeze=False)[:, 0]
    colours = dict(zip(QUEUES, (_REAL, _CYCLE[3], _FAKE), strict=True))
    for axes, (name, line) in zip(several, lines.items(), strict=True):
        for row, queue in enumerate(reversed(QUEUES)):
            spans = [s for s in line.spans if s.task.queue == queue and s.task.seconds]
            bars = [(1000 * s.start, 1000 * (s.end - s.start)) for s in spans]
            axes.broken_barh(bars, (row - 0.4, 0.8), color=colours[queue], ec="white", lw=0.3)
        axes.set(yticks=range(len(QUEUES)), yticklabels=list(reversed(QUEUES)))
        axes.set_title(name, loc="left", fontsize=10)
    several[-1].set(xlabel="ms", xlim=(0, None))
    return svg(figure)


def _figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _auc_bar(axes: "Axes", place: int, auc: Auc) -> None:
    if isinstance(auc.value, Undefined):
        return
    axes.barh(place, auc.value - 0.5, left=0.5, height=0.55, color=_BAR)
    if isinstance(auc.ci95, Interval):
        axes.plot(auc.ci95, (place, place), "|-", color=_INK, markersize=8)
    axes.plot(auc.value, place, "o", color=_INK, markersize=4)


def svg(figure: "Figure") -> bytes:
    """A figure as SVG, without what differs from call to call."""
    data = io.BytesIO()
    figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    return data.getvalue()


def _short(name: str, most: int = 40) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
