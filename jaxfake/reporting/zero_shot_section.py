"""The section of the report about the recovery error as a zero-shot detector."""

from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.zero_shot import HEADLINE, ZeroShotResult
from jaxfake.reporting import auc_blocks
from jaxfake.reporting.html import Highlight, Section, Table
from jaxfake.reporting.wording import auc_sentence, interval_text, intervals_paragraph, number_text


def zero_shot_highlight(result: ZeroShotResult) -> Highlight:
    """The AUC of the headline score."""
    auc = result.headline.overall.video.auc
    note = f"{interval_text(auc.ci95)}, {auc.n_real} real, {auc.n_fake} fake videos"
    return Highlight(number_text(auc.value), "video AUC, zero-shot", note)


def zero_shot_sentences(result: ZeroShotResult) -> str:
    """The headline result in one or two sentences."""
    auc = result.headline.overall.video.auc
    name = "Masked recovery error alone, nothing trained on fakes"
    sentence = auc_sentence(name, auc)
    if isinstance(auc.value, Undefined) or isinstance(auc.ci95, Undefined):
        return sentence
    return f"{sentence} {_meaning(auc.value, auc.ci95)}"


def _meaning(value: float, interval: Interval) -> str:
    """What the number means; the limits between the sentences are our choice."""
    if interval.low <= 0.5 <= interval.high:
        return (
            "The interval contains 0.5, which is chance: on these videos the error alone "
            "does not tell fakes from reals."
        )
    if interval.high < 0.5:
        return (
            "That is below chance: fakes are recovered better than reals here, so the error "
            "ranks them the wrong way round. It is reported as it is, not inverted."
        )
    share = f"a fake has the larger error in {100 * value:.0f} of 100 pairs of a fake and a real"
    if value < 0.7:
        return f"A real but weak signal, not yet a detector: {share}."
    if value < 0.9:
        return f"A clear signal, with many errors: {share}."
    return f"A strong signal on this dataset: {share}."


def zero_shot_section(result: ZeroShotResult) -> Section:
    """How well the recovery error alone separates reals from fakes."""
    headline = result.headline
    blocks = auc_blocks.detector_blocks(
        HEADLINE, headline.overall, headline.per_manipulation, headline.videos
    )
    blocks.append(_score_table(result))
    if headline.per_manipulation:
        blocks.append(_score_by_manipulation_table(result))
    return Section(
        "The recovery error as a detector",
        (
            zero_shot_sentences(result),
            "The score of a face is the masked squared error of each part, divided by the variance of the "
            "part's own pixels, averaged over the three parts; that of a video is the mean over its faces, "
            "and nothing temporal. A model of real faces should recover a manipulated part "
            "less well. No fake was used for training, and no score, threshold or checkpoint was chosen "
            "by these results.",
            intervals_paragraph(headline.overall.video.auc),
        ),
        tuple(blocks),
    )


def _score_table(result: ZeroShotResult) -> Table:
    rows = tuple(
        (
            name,
            number_text(pair.video.value),
            interval_text(pair.video.ci95),
            number_text(pair.frame.value),
            interval_text(pair.frame.ci95),
        )
        for name, pair in result.scores.items()
    )
    video, frame = result.scores[HEADLINE].video, result.scores[HEADLINE].frame
    caption = (
        f"All manipulations together: {video.n_real} real and {video.n_fake} fake videos, "
        f"{frame.n_real} and {frame.n_fake} faces. error: masked squared error. relative: the same "
        "divided by the variance of the part's own pixels, since a plain error grows with texture. "
        f"mean, max: over the parts. {HEADLINE} is the headline whatever these results are. The others are "
        "listed for comparison; the best of several scores is partly the best by chance."
    )
    header = ("score", "video AUC", "95 % interval", "face AUC", "95 % interval")
    return Table("Every score", caption, header, rows, first_row_leads=True)


def _score_by_manipulation_table(result: ZeroShotResult) -> Table:
    manipulations = tuple(result.scores_per_manipulation)
    rows = tuple(
        (
            name,
            *(
                number_text(result.scores_per_manipulation[manipulation][name].video.value)
                for manipulation in manipulations
            ),
        )
        for name in result.scores
    )
    caption = (
        "Video AUC of each score on each manipulation against the same reals; "
        "their intervals are in metrics.json."
    )
    return Table("Every score by manipulation", caption, ("score", *manipulations), rows)
