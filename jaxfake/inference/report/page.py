"""report.html of a job: the verdicts, then each file with its timeline, strips and reasons, the limits.

The page holds everything in itself, in at most some megabytes: where there are many files, the others are
in the table alone, and all pictures are in the folder of results.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from jaxfake.data.augment.jpeg import jpeg_bytes
from jaxfake.inference.model.card import LIMITS
from jaxfake.inference.report.page_words import (
    ANSWERS,
    SCORE_WORDS,
    credentials_text,
    evidence_text,
    facts_of_file,
    moment,
    parts_text,
    probability_text,
    ratio_text,
)
from jaxfake.inference.results import FileResult, FrameResult, Results, TrackResult
from jaxfake.reporting.html import (
    SHAPES,
    Block,
    Gallery,
    Highlight,
    Picture,
    PictureGroup,
    Report,
    Section,
    SmallPicture,
    SmallPictures,
    Table,
    Timeline,
    TimelinePoint,
    TimelineSeries,
    jpeg_source,
    write_report,
)

MOST_SHOWN = 12
"""Files that have a section of their own; those with evidence of manipulation come first. Our choice."""

MOST_LISTED = 1000
"""Files in the table."""

MOST_PICTURE_BYTES = 3_000_000
"""Of all pictures in the page; our choice."""

_STRIP_QUALITY = 88
_ORDER = {"fake": 0, "cannot_tell": 1, "real": 2}


def write_page(path: Path, found: Results, folder: Path) -> None:
    """Writes the page of a job.

    Args:
        path: of the page.
        found: the results.
        folder: of results, with the pictures.
    """
    pictures = _Pictures(folder)
    ranked = sorted(
        range(len(found.files)),
        key=lambda at: (not found.files[at].tracks, _ORDER[found.files[at].verdict.answer], at),
    )
    sections = [_file_section(found.files[at], at, pictures) for at in ranked[:MOST_SHOWN]]
    if len(found.files) > 1:
        sections.insert(0, _overview(found))
    report = Report(
        title=_title(found),
        summary=_summary(found),
        highlights=_highlights(found),
        facts=_facts(found),
        sections=(*sections, _limits(), _card(found), _how(found)),
    )
    write_report(path, report)


class _Pictures:
    """Pictures of the folder of results, until there are too many bytes of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._left = folder, MOST_PICTURE_BYTES

    def small(self, name: str | None) -> str:
        """A JPEG as a data: URI; '' if there is none, or no room."""
        return "" if name is None else self._taken((self._folder / name).read_bytes())

    def strip(self, name: str | None) -> str:
        """A PNG as the data: URI of a JPEG, which is smaller; '' as above."""
        image = None if name is None else cv2.imread(str(self._folder / name))
        return "" if image is None else self._taken(jpeg_bytes(image[..., ::-1], _STRIP_QUALITY))

    def _taken(self, data: bytes) -> str:
        if len(data) > self._left:
            return ""
        self._left -= len(data)
        return jpeg_source(data)


def _title(found: Results) -> str:
    files = found.files
    return files[0].file.name if len(files) == 1 else f"{len(files)} files"


def _summary(found: Results) -> tuple[str, ...]:
    notes = tuple(f"Note: {one.sentence}." for one in found.runtime.degraded)
    if len(found.files) == 1:
        return (found.files[0].verdict.words, *notes)
    answers = [one.verdict.answer for one in found.files]
    fake, real, open_ones = (answers.count(one) for one in ANSWERS)
    words = (
        f"{len(found.files)} files: evidence of manipulation in {fake}, none in {real}, and of {open_ones} "
        "it cannot be told."
    )
    return (words, *notes)


def _highlights(found: Results) -> tuple[Highlight, ...]:
    if len(found.files) > 1:
        return (
            Highlight(str(found.count("scored")), "files with faces", "were scored"),
            Highlight(
                str(found.count("no_face")), "files without a face", "nothing is said of them"
            ),
            Highlight(str(found.count("refused")), "files not read", "each with its reason below"),
        )
    (one,) = found.files
    verdict = one.verdict
    answer = Highlight(ANSWERS[verdict.answer], "verdict", "evidence, not proof")
    if verdict.evidence.log10_lr is None:
        return (answer,)
    return (
        answer,
        Highlight(
            ratio_text(verdict.evidence),
            "log10 likelihood ratio",
            "above 0 speaks for a fake, below for a real; 95 % interval in brackets",
        ),
        Highlight(
            probability_text(verdict.evidence),
            "P(fake) at even odds",
            "if a fake was as probable as a real beforehand",
        ),
    )


def _facts(found: Results) -> tuple[tuple[str, str], ...]:
    model = found.model
    rows = [("detector", f"{model.name} ({model.method}, step {model.step})")]
    rows.append(("weights sha256", model.weights_sha256))
    rows.append(("calibration sha256", model.calibration_sha256 or "not calibrated"))
    if len(found.files) == 1:
        rows += facts_of_file(found.files[0].file)
    return tuple(rows)


def _overview(found: Results) -> Section:
    rows = tuple(
        (one.file.path, ANSWERS[one.verdict.answer], evidence_text(one), one.verdict.words)
        for one in found.files[:MOST_LISTED]
    )
    left = len(found.files) - len(rows)
    more = f" {left} further files are in results.json." if left else ""
    shown = min(MOST_SHOWN, len(found.files))
    caption = (
        f"{shown} of them have a section below, those with evidence of manipulation first.{more}"
    )
    header = ("file", "verdict", "log10 likelihood ratio", "in words")
    return Section("All files", (), (Table("", caption, header, rows, wraps=True),))


def _file_section(one: FileResult, number: int, pictures: _Pictures) -> Section:
    paragraphs = [one.verdict.words]
    if one.file.remark:
        paragraphs.append(f"Of the file: {one.file.remark}.")
    if one.credentials is not None:
        paragraphs.append(credentials_text(one.credentials))
    others = one.verdict.reasons[1:]
    if others:
        paragraphs.append(f"Also: {'; '.join(reason.sentence for reason in others)}.")
    blocks: list[Block] = []
    drawn = one.tracks[: len(SHAPES)]
    if drawn:
        blocks.append(_faces_table(one))
        anchors = _Anchors(number, frozenset())
        small = [_small(track, anchors, pictures) for track in drawn]
        there = frozenset(each.anchor for block in small for each in block.pictures)
        if any(len(track.frames) > 1 for track in drawn):
            blocks.append(_timeline(drawn, dataclasses.replace(anchors, there=there)))
        blocks += _strips(drawn, pictures)
        blocks += [block for block in small if block.pictures]
    return Section(one.file.name, tuple(paragraphs), tuple(blocks))


@dataclasses.dataclass(frozen=True)
class _Anchors:
    """Names of the small pictures of a file within the page."""

    file: int
    there: frozenset[str]

    def of(self, track: TrackResult, frame: FrameResult) -> str:
        return f"file{self.file}-face{track.track}-frame{frame.frame}"

    def link(self, track: TrackResult, frame: FrameResult) -> str:
        anchor = self.of(track, frame)
        return anchor if anchor in self.there else ""


def _faces_table(one: FileResult) -> Table:
    rows = tuple(
        (
            f"face {track.track + 1}",
            ANSWERS[track.answer],
            ratio_text(track.evidence),
            f"{track.score:.3f}",
            str(len(track.frames)),
            parts_text(track),
            "; ".join(reason.sentence for reason in track.reasons)
            or (
                "" if track.judged else "too small beside the largest face to decide about the file"
            ),
        )
        for track in one.tracks
    )
    header = (
        "face",
        "alone",
        "log10 likelihood ratio",
        "score",
        "frames",
        "recovers worst",
        "remarks",
    )
    caption = (
        f"Each face, followed through the file; the one with the largest faces first. {SCORE_WORDS}"
    )
    return Table("Faces", caption, header, rows, wraps=True)


def _timeline(tracks: Iterable[TrackResult], anchors: _Anchors) -> Timeline:
    frames = [frame for track in tracks for frame in track.frames]
    places = [_place(one) for one in frames]
    first, last = min(places), max(places)
    span = (last - first) or 1.0

    def point(track: TrackResult, frame: FrameResult) -> TimelinePoint:
        label = f"face {track.track + 1}, {moment(frame)}, score {frame.score:.3f}"
        x, y = (_place(frame) - first) / span, float(np.clip(frame.score, 0, 1))
        return TimelinePoint(x, y, label, anchors.link(track, frame))

    series = tuple(
        TimelineSeries(
            f"face {track.track + 1}", tuple(point(track, frame) for frame in track.frames)
        )
        for track in tracks
    )
    ends = [min(frames, key=_place), max(frames, key=_place)]
    ticks = ((0.0, moment(ends[0])), (1.0, moment(ends[1])))
    caption = f"Every frame that was scored; each mark leads to its picture. {SCORE_WORDS}"
    return Timeline("Scores over time", caption, ticks, series)


def _place(frame: FrameResult) -> float:
    return float(frame.frame) if frame.time is None else frame.time


_BESIDE = (
    ", what was hidden from it, what it recovered, and where it differs or seems manipulated (the "
    "brighter, the more)."
)
_ALONE = ". It recovers nothing and draws no map, so it does not say where a face was manipulated."


def _strips(tracks: Iterable[TrackResult], pictures: _Pictures) -> list[Gallery]:
    groups: list[PictureGroup] = []
    columns: tuple[str, ...] = ()
    for track in tracks:
        shown = [
            Picture(f"face {track.track + 1}, {moment(frame)}", f"score {frame.score:.3f}", source)
            for frame in track.frames
            if (source := pictures.strip(frame.strip))
        ]
        if shown:
            columns = track.columns
            groups.append(PictureGroup(f"face {track.track + 1}", tuple(shown)))
    if not groups:
        return []
    caption = (
        "The frames of each face with the highest scores, whatever they are: what the detector was given"
        f"{_ALONE if len(columns) == 1 else _BESIDE} "
        "The pictures are compressed for this page; the scores are of those before."
    )
    return [Gallery("What the detector saw", caption, columns, tuple(groups))]


def _small(track: TrackResult, anchors: _Anchors, pictures: _Pictures) -> SmallPictures:
    shown = tuple(
        SmallPicture(anchors.of(track, frame), f"{moment(frame)} · {frame.score:.3f}", source)
        for frame in track.frames
        if (source := pictures.small(frame.thumbnail))
    )
    return SmallPictures(f"Frames of face {track.track + 1}", "Time and score.", shown)


def _limits() -> Section:
    return Section("What this can and cannot tell", LIMITS, ())


def _card(found: Results) -> Section:
    rows = [(one.name, one.text) for one in found.model.card]
    rows.append(("licence", found.model.licence or "not stated"))
    return Section("Model card", (), (Table("", "", ("", ""), tuple(rows), wraps=True),))


def _how(found: Results) -> Section:
    options = [(name, str(value)) for name, value in found.runtime.options.items()]
    rows = (*options, *found.runtime.versions.items())
    digest = found.runtime.settings_sha256[:12]
    caption = f"The same file and these settings ({digest}) give the same results."
    return Section("How it was scored", (), (Table("", caption, ("", ""), rows, wraps=True),))
