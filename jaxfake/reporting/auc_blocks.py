"""Plots and tables that are common to the sections of all detectors."""

from collections.abc import Callable, Iterable, Mapping

from jaxfake import schema
from jaxfake.evaluation.aggregate import VideoScores, against_reals, scored
from jaxfake.evaluation.evenly_spaced import first_to_last
from jaxfake.evaluation.metrics.auc import RocCurve, roc_curve
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.metrics.person_bootstrap import RocBand, roc_band
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.score_metrics import DetectionMetrics, ScoreMetrics
from jaxfake.reporting import figures
from jaxfake.reporting.html import Block, Figure, Table, svg_source
from jaxfake.reporting.wording import UNDEFINED, interval_text, number_text

_MOST_POINTS = 1000
"""Of a curve in a figure, which has fewer pixels."""

BAND = Bootstrap(200, 0)
"""How people are resampled for the band of a ROC curve; our choice."""

_ALL_FAKES = "all manipulations"

_COLUMNS: dict[str, Callable[[ScoreMetrics], str]] = {
    "AUC": lambda metrics: number_text(metrics.auc.value),
    "95 % interval": lambda metrics: interval_text(metrics.auc.ci95),
    "AP": lambda metrics: number_text(metrics.ap),
    "EER": lambda metrics: number_text(metrics.eer),
    "accuracy": lambda metrics: number_text(metrics.accuracy),
    "TPR at FPR 1 %": lambda metrics: number_text(metrics.tpr_at_low_fpr),
    "real": lambda metrics: str(metrics.auc.n_real),
    "fake": lambda metrics: str(metrics.auc.n_fake),
}
"""The columns of a table of metrics."""


def detector_blocks(
    score: str,
    overall: DetectionMetrics,
    per_manipulation: Mapping[str, DetectionMetrics],
    videos: VideoScores,
) -> list[Block]:
    """How well the score of this name separates reals from fakes, of all and of each manipulation."""
    by_video = {_ALL_FAKES: overall.video}
    by_video |= {name: metrics.video for name, metrics in per_manipulation.items()}
    blocks: list[Block] = []
    if per_manipulation:
        blocks.append(_bars(score, {name: one.auc for name, one in by_video.items()}))
    blocks.append(_video_table(by_video))
    curves = _curves(videos, per_manipulation)
    if curves:
        blocks.append(roc_figure("ROC curves over videos", curves, _band(videos)))
    if scored(videos).any():
        blocks.append(_histogram(score, videos))
    return blocks


def _bars(score: str, aucs: Mapping[str, Auc]) -> Figure:
    caption = (
        "Each manipulation against the same real videos. Dot: video AUC; line: its 95 % interval. "
        "An interval that contains 0.5 is no evidence that this manipulation is detected."
    )
    source = svg_source(figures.auc_bars(aucs))
    return Figure(f"Video AUC by manipulation ({score})", caption, source)


def metrics_table(title: str, caption: str, metrics: Mapping[str, ScoreMetrics]) -> Table:
    """All metrics that are defined for any row, a row for each name; the first row is in bold."""
    columns = [("", *metrics)]
    for column, number in _COLUMNS.items():
        cells = [number(one) for one in metrics.values()]
        if any(cell != UNDEFINED for cell in cells):
            columns.append((column, *cells))
    header, *rows = zip(*columns, strict=True)
    return Table(title, caption, header, tuple(rows), first_row_leads=True)


def _video_table(metrics: Mapping[str, ScoreMetrics]) -> Table:
    caption = (
        "Each manipulation against the same real videos; the first row has all of them. AP: average "
        "precision, which depends on the share of fakes. EER: equal error rate, on the ROC curve with "
        "straight lines between its points. Accuracy: at P(fake) 0.5. TPR at FPR 1 %: share of the fakes "
        "that are found when at most 1 % of the reals are called fake; no interpolation. metrics.json "
        "says why a number is undefined."
    )
    return metrics_table("By video", caption, metrics)


def _thinned(curve: RocCurve) -> RocCurve:
    """The curve with no more points than a figure can show."""
    places = first_to_last(len(curve.threshold), _MOST_POINTS)
    return RocCurve(
        curve.false_positive[places], curve.true_positive[places], curve.threshold[places]
    )


def roc_figure(
    title: str, curves: Mapping[str, RocCurve], band: RocBand | Undefined | None = None
) -> Figure:
    """ROC curves by name, with the band of the first if there is one."""
    caption = (
        "Each point is a threshold: share of fakes called fake against share of reals called fake. The "
        "dotted diagonal is chance; a useful detector rises steeply at the left edge."
    )
    if isinstance(band, RocBand):
        caption += " Band: pointwise 95 % interval of the first curve, by resampled people."
    drawn = band if isinstance(band, RocBand) else None
    thin = {name: _thinned(curve) for name, curve in curves.items()}
    return Figure(title, caption, svg_source(figures.roc_curves(thin, drawn)))


def _band(videos: VideoScores) -> RocBand | Undefined:
    used = scored(videos)
    return roc_band(videos.label[used], videos.score[used], videos.identity[used], BAND)


def _curves(videos: VideoScores, manipulations: Iterable[str]) -> dict[str, RocCurve]:
    chosen = {_ALL_FAKES: scored(videos)}
    chosen |= {name: against_reals(videos, name) & scored(videos) for name in manipulations}
    curves = {
        name: roc_curve(videos.label[where], videos.score[where]) for name, where in chosen.items()
    }
    return {name: curve for name, curve in curves.items() if isinstance(curve, RocCurve)}


def _histogram(score: str, videos: VideoScores) -> Figure:
    real, fake = (
        videos.score[scored(videos) & (videos.label == label)]
        for label in (schema.REAL, schema.FAKE)
    )
    caption = (
        "How often each score occurs among real and among fake videos. The less the two overlap, the "
        "better the score separates them."
    )
    source = svg_source(figures.score_histogram(real, fake, f"{score} of a video"))
    return Figure("Scores of reals and fakes", caption, source)
