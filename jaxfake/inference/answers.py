"""What is said of one file, from the crops of its faces and their scores."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake.data.preparation import source_content
from jaxfake.data.preparation.crop_files import EncodedCrops
from jaxfake.data.preparation.source_facts.attributes import NOT_MEASURED, FileAttributes
from jaxfake.evaluation.aggregate import combine
from jaxfake.evaluation.evenly_spaced import first_to_last
from jaxfake.evaluation.evidence.calibration.input_range import (
    InputFacts,
    facts_of_face,
    of_video,
    with_compression,
)
from jaxfake.evaluation.evidence.calibration.of_detector import measured_places
from jaxfake.faces import align
from jaxfake.inference.asked_files import AskedFile
from jaxfake.inference.model.opened_model import OpenedModel
from jaxfake.inference.report import drawn
from jaxfake.inference.results import (
    Box,
    FileFacts,
    FileResult,
    FrameResult,
    PartErrors,
    TrackResult,
)
from jaxfake.inference.scoring import ScoredTrack, ShownFace, TrackFaces, part_names
from jaxfake.inference.verdict import (
    FaceEvidence,
    face_evidence,
    file_verdict,
    judged,
    no_face_verdict,
    refused_verdict,
)
from jaxfake.reporting.heat_strips import HeatScale, heat_scale

MOST_SHOWN = 4
"""Faces of a track of which strips are drawn: those with the highest scores; our choice."""

MOST_DRAWN = 6
"""Tracks of a file of which pictures are drawn: the largest; our choice."""

_DIGITS = 16
"""Of a file's digest, by which its pictures are named."""


@dataclasses.dataclass(frozen=True)
class ReadTracks:
    """The faces of a file that was read, ready to be scored; none without a face.

    Attributes:
        people: see `Cropper.everyone`.
        faces: the same, as examples.
        content_credentials: of the file, see `credentials.read`.
    """

    asked: AskedFile
    people: list[EncodedCrops]
    faces: list[TrackFaces]
    content_credentials: dict[str, Any] | None = None


def read_tracks(
    asked: AskedFile,
    people: list[EncodedCrops],
    size: int,
    content_credentials: dict[str, Any] | None = None,
) -> ReadTracks:
    """The faces of a file, whose masks are drawn by what is in it and not by what it is called."""
    content = source_content.own_digest(people[0].content)
    faces = [
        TrackFaces(crops, f"{content}/{number}", size)
        for number, crops in enumerate(people)
        if crops.pictures
    ]
    return ReadTracks(asked, people, faces, content_credentials)


def refused(asked: AskedFile, reason: str) -> FileResult:
    """The result for a file that is not read, or could not be."""
    facts = FileFacts(_name(asked), asked.path, asked.kind)
    return FileResult(facts, "refused", reason, (), refused_verdict(reason))


def answer(
    model: OpenedModel, read: ReadTracks, scored: Sequence[ScoredTrack], out: Path | None
) -> FileResult:
    """What is said of a file.

    Args:
        model: that has scored it.
        scored: one for each of `read.faces`.
        out: folder of results, for the pictures; None to draw none.
    """
    first, facts, said = read.people[0], _file_facts(read), read.content_credentials
    if first.failure:
        verdict = refused_verdict(first.failure)
        return FileResult(facts, "refused", first.failure, (), verdict, said)
    if not scored:
        return FileResult(facts, "no_face", "", (), no_face_verdict(), said)
    evidence = _evidence(model, read, scored)
    scale = heat_scale([face for one in scored for face in one.shown], model.method.heat_threshold)
    tracks = []
    for number, (faces, one, known) in enumerate(zip(read.faces, scored, evidence, strict=True)):
        folder = out if number < MOST_DRAWN else None
        pictures = _Pictures(folder, f"{(facts.sha256 or '')[:_DIGITS]}/t{number}", scale)
        tracks.append(_track(model, number, faces, one, known, pictures, facts.frames_per_second))
    return FileResult(facts, "scored", "", tuple(tracks), file_verdict(evidence), said)


@dataclasses.dataclass(frozen=True)
class _Pictures:
    """Draws the pictures of one track; none without a folder."""

    out: Path | None
    stem: str
    scale: HeatScale

    def of(
        self, face: FrameResult, image: np.ndarray | None, shown: ShownFace | None
    ) -> FrameResult:
        """The frame with the paths of its pictures."""
        if self.out is None:
            return face
        stem = f"{self.stem}_f{face.frame:07}"
        if image is not None:
            face = dataclasses.replace(face, thumbnail=drawn.write_small(self.out, stem, image))
        if shown is None:
            return face
        return dataclasses.replace(
            face,
            strip=drawn.write_strip(self.out, stem, shown, self.scale),
            heat=drawn.write_heat(self.out, stem, shown, self.scale),
        )


def _evidence(
    model: OpenedModel, read: ReadTracks, scored: Sequence[ScoredTrack]
) -> list[FaceEvidence]:
    extents = [_extent(faces.crops, faces.size) for faces in read.faces]
    joined = combine(model.config.evaluation.aggregation)
    return [
        face_evidence(model.calibration, float(joined(one.scores)), _input_facts(faces), is_judged)
        for faces, one, is_judged in zip(read.faces, scored, judged(extents), strict=True)
    ]


def _track(
    model: OpenedModel,
    number: int,
    faces: TrackFaces,
    scored: ScoredTrack,
    known: FaceEvidence,
    pictures: _Pictures,
    rate: float | None,
) -> TrackResult:
    small = set(first_to_last(len(faces), drawn.MOST_SMALL).tolist())
    shown = {face.place: face for face in scored.shown}
    frames = []
    for place, score in enumerate(scored.scores):
        face = _frame(faces.crops, place, float(score), rate)
        wanted = pictures.out is not None and (place in small or place in shown)
        image = faces[place].image if wanted else None
        frames.append(pictures.of(face, image, shown.get(place)))
    joined = combine(model.config.evaluation.aggregation)
    return TrackResult(
        track=number,
        judged=known.judged,
        score=float(joined(scored.scores)),
        evidence=known.evidence,
        answer=known.answer,
        reasons=known.reasons,
        parts=_parts(scored),
        columns=drawn.columns(scored.shown[0]) if scored.shown else (),
        frames=tuple(frames),
    )


def _frame(crops: EncodedCrops, place: int, score: float, rate: float | None) -> FrameResult:
    number = int(crops.frames[place])
    back = align.inverse(crops.matrices[place].astype(np.float64))
    points = align.apply(back, crops.landmarks[place])
    corners = np.concatenate([points.min(0), points.max(0)]).round(1)
    time = None if not rate else round(number / rate, 3)
    return FrameResult(number, time, Box(*corners.tolist()), score)


def _parts(scored: ScoredTrack) -> PartErrors | None:
    if scored.parts is None or not np.isfinite(scored.parts).any():
        return None
    named = dict(zip(part_names(), scored.parts.tolist(), strict=True))
    known = {name: value for name, value in named.items() if np.isfinite(value)}
    return PartErrors(scored.measure, known, max(known, key=lambda name: known[name]))


def _input_facts(faces: TrackFaces) -> InputFacts:
    """The same facts as of the videos that the calibration was fitted on."""
    measured = (facts_of_face(faces[int(place)]) for place in measured_places(len(faces)))
    return with_compression(of_video(measured), faces.crops.attributes)


def _extent(crops: EncodedCrops, size: int) -> float:
    """The area in pixels of the frame that all crops show together."""
    scale = np.abs(np.linalg.det(crops.matrices[:, :, :2].astype(np.float64)))
    return float((size**2 / scale).sum())


def _file_facts(read: ReadTracks) -> FileFacts:
    first = read.people[0]
    known: FileAttributes = NOT_MEASURED if first.failure else first.attributes
    return FileFacts(
        name=_name(read.asked),
        path=read.asked.path,
        kind=read.asked.kind,
        sha256=source_content.own_digest(first.content) or None,
        bytes=_whole(known.file_bytes),
        format=known.format,
        pixels=_whole(known.pixels),
        frames=_whole(known.frames),
        frames_per_second=known.frames_per_second,
        remark=first.remark,
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _name(asked: AskedFile) -> str:
    return Path(asked.path).name
