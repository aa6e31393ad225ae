"""What the report says of the recovery error as a detector."""

from collections.abc import Mapping

from jaxfake import schema
from jaxfake.scoring import figures, zero_shot
from jaxfake.scoring.metrics import Auc, RocCurve, roc_curve
from jaxfake.scoring.report import Block, Figure, Highlight, Section, Table, svg_source
from jaxfake.scoring.wording import auc_text, interval_text
from jaxfake.scoring.zero_shot import HEADLINE, ZeroShot

_ALL_FAKES = "all manipulations"


def zero_shot_highlight(result: ZeroShot) -> Highlight:
    """The AUC, for the top of the page."""
    auc = result.overall[HEADLINE].video
    note = f"{interval_text(auc.ci95)}, {auc.n_real} real, {auc.n_fake} fake videos"
    return Highlight(auc_text(auc), "video AUC, zero-shot", note)


def zero_shot_section(result: ZeroShot) -> Section:
    """How far the recovery error alone tells fakes from reals."""
    per_method = {name: at[HEADLINE].video for name, at in result.per_method.items()}
    blocks: list[Block] = []
    if per_method:
        bars = {_ALL_FAKES: result.overall[HEADLINE].video} | per_method
        blocks.append(_bars(bars))
        blocks.append(_method_table(bars))
    curves = _curves(result)
    if curves:
        blocks.append(_roc(curves))
    blocks += [_histogram(result), _score_table(result)]
    if per_method:
        blocks.append(_score_by_method_table(result))
    return Section(
        "The recovery error as a detector",
        (
            zero_shot.in_words(result),
            "The score of a face is its masked squared error, averaged over the three parts; that of "
            "a video is the mean over its faces. A model of real faces should recover a forged part "
            "worse. No fake was used for training, and no score, threshold or checkpoint was chosen "
            "by these results.",
            f"Intervals: 95 %, percentile bootstrap, {result.bootstrap.resamples} resamples of "
            "videos within each class, which takes videos for independent; those of one person are "
            "not, so the true uncertainty is likely larger. All numbers hold for this dataset and "
            "split.",
        ),
        tuple(blocks),
    )


def _bars(aucs: Mapping[str, Auc]) -> Figure:
    caption = (
        "Each manipulation against the same real videos. Dot: video AUC; line: its 95 % interval. "
        "A line that crosses 0.5 is no evidence that this manipulation is seen at all."
    )
    source = svg_source(figures.auc_bars(aucs))
    return Figure(f"Video AUC by manipulation ({HEADLINE})", caption, source)


def _method_table(aucs: Mapping[str, Auc]) -> Table:
    rows = tuple(
        (name, auc_text(auc), interval_text(auc.ci95), str(auc.n_real), str(auc.n_fake))
        for name, auc in aucs.items()
    )
    header = ("", "video AUC", "95 % interval", "real videos", "fake videos")
    caption = "Each manipulation against the same real videos; the first row has all of them."
    return Table("The same in numbers", caption, header, rows, first_row_leads=True)


def _roc(curves: Mapping[str, RocCurve]) -> Figure:
    caption = (
        "Each point is a threshold: how many fakes it finds against how many reals it accuses. The "
        "dotted diagonal is guessing; a useful detector rises steeply at the left edge."
    )
    return Figure("ROC curves over videos", caption, svg_source(figures.roc_curves(curves)))


def _curves(result: ZeroShot) -> dict[str, RocCurve]:
    videos = result.videos
    chosen = {_ALL_FAKES: videos.label != schema.UNKNOWN}
    chosen |= {name: zero_shot.against_reals(videos, name) for name in result.per_method}
    curves = {
        name: roc_curve(videos.label[where], videos.score[where]) for name, where in chosen.items()
    }
    return {name: curve for name, curve in curves.items() if isinstance(curve, RocCurve)}


def _histogram(result: ZeroShot) -> Figure:
    videos = result.videos
    real, fake = (videos.score[videos.label == label] for label in (schema.REAL, schema.FAKE))
    caption = (
        "How often each score occurs among real and among fake videos. The less the two overlap, the "
        "better the score tells them apart."
    )
    source = svg_source(figures.score_histogram(real, fake, f"{HEADLINE} of a video"))
    return Figure("Scores of reals and fakes", caption, source)


def _score_table(result: ZeroShot) -> Table:
    rows = tuple(
        (
            name,
            auc_text(quality.video),
            interval_text(quality.video.ci95),
            auc_text(quality.frame),
            interval_text(quality.frame.ci95),
        )
        for name, quality in result.overall.items()
    )
    frame, video = result.overall[HEADLINE].frame, result.overall[HEADLINE].video
    caption = (
        f"All manipulations together: {video.n_real} real and {video.n_fake} fake videos, "
        f"{frame.n_real} and {frame.n_fake} faces. error: masked squared error. relative: the same "
        "divided by the variance of the part's own pixels, since a plain error grows with texture. "
        f"mean, max: over the parts. {HEADLINE} was named as the result in advance; the others are "
        "listed for comparison, and the best of several is too good by luck."
    )
    header = ("score", "video AUC", "95 % interval", "face AUC", "95 % interval")
    return Table("Every score", caption, header, rows, first_row_leads=True)


def _score_by_method_table(result: ZeroShot) -> Table:
    methods = tuple(result.per_method)
    rows = tuple(
        (name, *(auc_text(result.per_method[method][name].video) for method in methods))
        for name in result.overall
    )
    caption = (
        "Video AUC of each score on each manipulation against the same reals; "
        "their intervals are in metrics.json."
    )
    return Table("Every score by manipulation", caption, ("score", *methods), rows)
