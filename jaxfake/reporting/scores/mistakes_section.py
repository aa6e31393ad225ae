"""The section of the report about the worst mistakes of a detector, in both directions."""

from collections.abc import Mapping, Sequence

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.aggregate import scored
from jaxfake.evaluation.detection import DetectionResult
from jaxfake.reporting.html import Gallery, Picture, PictureGroup, Section, png_source
from jaxfake.reporting.strips import MASK_AND_HEAT, Strip

_TITLES = {
    schema.REAL: "The reals with the highest scores",
    schema.FAKE: "The fakes with the lowest scores",
}


def mistaken_rows(result: DetectionResult, each: int) -> dict[str, np.ndarray]:
    """A row of the dataset for each of the worst videos of both classes, the worst first.

    Of each video it is the face that speaks most for the wrong class.
    """
    frames, chosen = result.frames, {}
    for label, title in _TITLES.items():
        wrong = 1 if label == schema.REAL else -1  # the sign of a score that misleads
        videos = _worst(result, label, wrong)[:each]
        rows = []
        for video in videos:
            faces = np.flatnonzero(result.videos.of_face == video)
            rows.append(frames.rows[faces[np.argmax(wrong * frames.score[faces])]])
        chosen[title] = np.array(rows, np.int64)
    return chosen


def mistakes_section(result: DetectionResult, strips: Mapping[str, Sequence[Strip]]) -> Section:
    """The videos that the detector ranks worst, whether or not a threshold would call them wrongly.

    Args:
        result: what was measured.
        strips: of the faces of `mistaken_rows`, by the same titles.
    """
    columns = next((one[0].columns for one in strips.values() if one), ())
    groups = tuple(
        PictureGroup(title, _pictures(result, title, some))
        for title, some in strips.items()
        if some
    )
    caption = (
        "Of each video, the face that speaks most for the wrong class. They show what misleads the "
        "detector: look for what they have in common."
    )
    if "heat" in columns:
        caption += f" {MASK_AND_HEAT}"
    said = "The extremes of each class, chosen by the score alone."
    blocks = (Gallery("Worst in both directions", caption, columns, groups),) if groups else ()
    return Section("Worst mistakes", (said,), blocks)


def _worst(result: DetectionResult, label: int, wrong: int) -> np.ndarray:
    videos = result.videos
    of_class = np.flatnonzero(scored(videos) & (videos.label == label) & (videos.faces > 0))
    return of_class[np.argsort(-wrong * videos.score[of_class], kind="stable")]


def _pictures(result: DetectionResult, title: str, strips: Sequence[Strip]) -> tuple[Picture, ...]:
    label = next(one for one, name in _TITLES.items() if name == title)
    videos = _worst(result, label, 1 if label == schema.REAL else -1)
    return tuple(
        Picture(
            strip.name,
            f"video {result.videos.score[video]:.3f}, this face {strip.score:.3f}",
            png_source(strip.pixels),
        )
        for video, strip in zip(videos, strips, strict=False)
    )
