"""The plots and tables that the section of every detector is made of."""

from collections.abc import Iterable, Mapping

from jaxfake import schema
from jaxfake.evaluation.aggregate import VideoScores, against_reals, scored
from jaxfake.evaluation.metrics.auc import Auc, RocCurve, roc_curve
from jaxfake.evaluation.quality import Measures, Quality
from jaxfake.reporting import figures
from jaxfake.reporting.html import Block, Figure, Table, svg_source
from jaxfake.reporting.wording import interval_text, number_text

_ALL_FAKES = "all manipulations"


def detector_blocks(
    score: str, overall: Quality, per_method: Mapping[str, Quality], videos: VideoScores
) -> list[Block]:
    """How well a score, by its name, does over all fakes and per manipulation."""
    by_video = {_ALL_FAKES: overall.video}
    by_video |= {name: quality.video for name, quality in per_method.items()}
    blocks: list[Block] = []
    if per_method:
        blocks.append(_bars(score, {name: one.auc for name, one in by_video.items()}))
    blocks.append(_video_table(by_video))
    curves = _curves(videos, per_method)
    if curves:
        blocks.append(_roc(curves))
    if scored(videos).any():
        blocks.append(_histogram(score, videos))
    return blocks


def _bars(score: str, aucs: Mapping[str, Auc]) -> Figure:
    caption = (
        "Each manipulation against the same real videos. Dot: video AUC; line: its 95 % interval. "
        "A line that crosses 0.5 is no evidence that this manipulation is seen at all."
    )
    source = svg_source(figures.auc_bars(aucs))
    return Figure(f"Video AUC by manipulation ({score})", caption, source)


def measures_table(title: str, caption: str, measures: Mapping[str, Measures]) -> Table:
    """Every number of each name; the first leads."""
    header = (
        "",
        "AUC",
        "95 % interval",
        "by people",
        "AP",
        "EER",
        "accuracy",
        "TPR at FPR 1 %",
        "real",
        "fake",
    )
    rows = tuple((name, *_numbers(one)) for name, one in measures.items())
    return Table(title, caption, header, rows, first_row_leads=True)


def _video_table(measures: Mapping[str, Measures]) -> Table:
    caption = (
        "Each manipulation against the same real videos; the first row has all of them. AP: average "
        "precision, which depends on the share of fakes. EER: where as many reals are called fake as "
        "fakes real, on the ROC curve with straight lines between its points. Accuracy: at P(fake) "
        "0.5. TPR at FPR 1 %: fakes found if at most one real in a hundred may be accused, no "
        "interpolation. Why a number is undefined stands in metrics.json."
    )
    return measures_table("By video", caption, measures)


def _numbers(measures: Measures) -> tuple[str, ...]:
    auc = measures.auc
    rates = measures.ap, measures.eer, measures.accuracy, measures.tpr_at_fpr
    return (
        number_text(auc.value),
        interval_text(auc.ci95),
        interval_text(measures.auc_ci95_identities),
        *map(number_text, rates),
        str(auc.n_real),
        str(auc.n_fake),
    )


def _roc(curves: Mapping[str, RocCurve]) -> Figure:
    caption = (
        "Each point is a threshold: how many fakes it finds against how many reals it accuses. The "
        "dotted diagonal is guessing; a useful detector rises steeply at the left edge."
    )
    return Figure("ROC curves over videos", caption, svg_source(figures.roc_curves(curves)))


def _curves(videos: VideoScores, methods: Iterable[str]) -> dict[str, RocCurve]:
    chosen = {_ALL_FAKES: scored(videos)}
    chosen |= {name: against_reals(videos, name) & scored(videos) for name in methods}
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
        "better the score tells them apart."
    )
    source = svg_source(figures.score_histogram(real, fake, f"{score} of a video"))
    return Figure("Scores of reals and fakes", caption, source)
