"""The section of the report about a trained detector."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.evaluation.aggregate import VideoScores
from jaxfake.evaluation.detection import NO_FACE_SCORE, ByTraining, DetectionResult
from jaxfake.evaluation.evenly_spaced import first_to_last
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import auc_blocks
from jaxfake.reporting.html import (
    Gallery,
    Highlight,
    Picture,
    PictureGroup,
    Section,
    Table,
    png_source,
)
from jaxfake.reporting.strips import MASK_AND_HEAT, Strip
from jaxfake.reporting.wording import auc_sentence, interval_text, intervals_paragraph, number_text

_GALLERY = "From most real to most fake"

_LABELS = {schema.REAL: "real", schema.FAKE: "fake", schema.UNKNOWN: "unknown"}


@dataclasses.dataclass(frozen=True, eq=False)
class _Ranked:
    """Videos from the lowest to the highest score, k of them, each with one of its faces."""

    video: np.ndarray  # int64 [k], entries of `VideoScores`
    row: np.ndarray  # int64 [k], rows of the dataset


def ranked_rows(result: DetectionResult, count: int) -> dict[str, np.ndarray]:
    """The rows of the dataset that are shown, by the title of their gallery.

    At most `count` videos, evenly spaced in the order of their scores, the first and the last included;
    of each video, the face with the score nearest to the video's. Videos without a face are not shown.
    """
    return {_GALLERY: _ranked(result, count).row}


def detection_sentences(result: DetectionResult, name: str) -> str:
    """The result of the detector `name` in one or two sentences."""
    sentence = auc_sentence(name, result.overall.video.auc)
    if result.by_training is not None:
        sentence += f" {_by_training_sentences(result.by_training)}"
    counts = result.coverage
    if counts.videos == counts.ok:
        return sentence
    return (
        f"{sentence} Of the {counts.videos} videos, {counts.no_face_real} real and {counts.no_face_fake} "
        f"fake ones have no face ({_no_face_text(result)}) and {counts.unreadable} "
        f"cannot be read (they are left out). {auc_sentence('Without those', result.with_face)}"
    )


def plain_words(result: DetectionResult) -> list[str]:
    """What the numbers mean for somebody who knows none of them; nothing without an AUC."""
    auc, found = result.overall.video.auc, result.overall.video.tpr_at_low_fpr
    if isinstance(auc.value, Undefined):
        return []
    said = (
        f"In plain words: shown a real and a fake video, the detector takes the right one for the fake in "
        f"{100 * auc.value:.0f} of 100 pairs; guessing does so in 50."
    )
    if isinstance(auc.ci95, Interval) and auc.ci95.low <= 0.5:
        said += " So it was not shown to be better than guessing."
    if isinstance(found, float):
        said += " If at most 1 of 100 real videos may be called fake, it finds "
        said += f"{100 * found:.0f} of 100 fakes."
    return [f"{said} It must not be the only ground of a decision about a person."]


def _by_training_sentences(found: ByTraining) -> str:
    seen = auc_sentence("On the manipulations that training had", found.seen.video.auc)
    others = f"On those that it never saw ({', '.join(found.never_seen)})"
    return f"{seen} {auc_sentence(others, found.unseen.video.auc)}"


def _no_face_text(result: DetectionResult) -> str:
    if result.no_face_counts:
        return f"they count, with the score {NO_FACE_SCORE}"
    return "they have no score and do not count"


def detection_highlights(result: DetectionResult) -> tuple[Highlight, ...]:
    """The AUC and the equal error rate."""
    video = result.overall.video
    counts = f"{video.auc.n_real} real, {video.auc.n_fake} fake videos"
    return (
        Highlight(
            number_text(video.auc.value),
            "video AUC, trained detector",
            f"{interval_text(video.auc.ci95)}, {counts}",
        ),
        Highlight(number_text(video.eer), "equal error rate", f"of videos, {counts}"),
    )


def detection_section(
    result: DetectionResult, name: str, strips: Mapping[str, Sequence[Strip]]
) -> Section:
    """How well the detector separates reals from fakes.

    Args:
        result: what was measured.
        name: of the detector.
        strips: of the faces of `ranked_rows`, in their order.
    """
    score = result.kind.name
    blocks = auc_blocks.detector_blocks(
        score, result.overall, result.per_manipulation, result.videos
    )
    both = {"videos": result.overall.video, "faces": result.overall.frame}
    if result.by_training is not None:
        both |= {
            "videos, manipulations of training": result.by_training.seen.video,
            "videos, other manipulations": result.by_training.unseen.video,
        }
    caption = (
        "All manipulations together, unless the row says otherwise; the intervals of the faces count "
        "people too, not faces."
    )
    blocks.append(auc_blocks.metrics_table("By video and by face", caption, both))
    blocks.append(_coverage_table(result))
    if strips[_GALLERY]:
        blocks.append(_gallery(result, strips[_GALLERY]))
    return Section(
        f"The detector: {name}",
        (
            detection_sentences(result, name),
            f"The score of a face is {score}, that of a video {_aggregation_text(result.aggregation)}: "
            "each frame is judged alone, and nothing temporal is.",
            intervals_paragraph(result.overall.video.auc),
        ),
        tuple(blocks),
    )


def _aggregation_text(aggregation: Aggregation) -> str:
    match aggregation:
        case "mean":
            return "the mean over its faces"
        case "median":
            return "the median over its faces"
        case "max":
            return "the largest over its faces"
        case "mean_logit":
            return "the mean over the logits of its faces, as a probability"


def _coverage_table(result: DetectionResult) -> Table:
    counts = result.coverage
    caption = (
        f"Of videos without a face: {_no_face_text(result)}. An unreadable video has no score and does not "
        "count."
    )
    row = ("videos", *map(str, dataclasses.astuple(counts)))
    header = ("", "all", "with a face", "no face", "unreadable", "real, no face", "fake, no face")
    return Table("What was scored", caption, header, (row,))


def _ranked(result: DetectionResult, count: int) -> _Ranked:
    videos, frames = result.videos, result.frames
    with_face = np.flatnonzero(videos.faces)
    order = with_face[np.argsort(videos.score[with_face], kind="stable")]
    chosen = order[first_to_last(len(order), count)]
    distance = np.abs(frames.score - videos.score[videos.of_face])
    rows = []
    for video in chosen:
        faces = np.flatnonzero(videos.of_face == video)
        rows.append(frames.rows[faces[np.argmin(distance[faces])]])
    return _Ranked(chosen, np.array(rows, np.int64))


def _gallery(result: DetectionResult, strips: Sequence[Strip]) -> Gallery:
    columns = strips[0].columns
    caption = (
        "Videos evenly spaced in the order of their scores, the lowest and the highest included; of "
        "each video, the face with the score nearest to the video's. Chosen by score alone, right or "
        "wrong."
    )
    if "heat" in columns:
        caption += f" {MASK_AND_HEAT}"
    shown = _ranked(result, len(strips)).video
    pictures = tuple(
        Picture(strip.name, _note(result.videos, video, strip), png_source(strip.pixels))
        for video, strip in zip(shown, strips, strict=True)
    )
    group = PictureGroup(f"{len(pictures)} of {len(result.videos.score)} videos", pictures)
    return Gallery(_GALLERY, caption, columns, (group,))


def _note(videos: VideoScores, video: int, strip: Strip) -> str:
    label = _LABELS[int(videos.label[video])]
    return f"{label}; video {videos.score[video]:.3f}, this face {strip.score:.3f}"
