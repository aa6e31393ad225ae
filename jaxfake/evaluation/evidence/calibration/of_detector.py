"""The calibration of a trained detector on its validation split, and its use on other splits.

It may be fitted under perturbations too: each face of validation is scored as it is stored and once more
after each of them. The ratios are then of files of all these conditions alike, and thresholds hold in each.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data import source_table
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.data.preparation.source_facts.attributes import FileAttributes
from jaxfake.evaluation.aggregate import VideoScores, per_video, scored
from jaxfake.evaluation.evenly_spaced import first_to_last
from jaxfake.evaluation.evidence.calibration.calibration import AS_STORED, Calibration
from jaxfake.evaluation.evidence.calibration.fit import Source, fit
from jaxfake.evaluation.evidence.calibration.input_range import (
    OF_VIDEOS,
    InputFacts,
    facts_of_face,
    fit_ranges,
    of_video,
    reasons,
    with_compression,
)
from jaxfake.evaluation.evidence.calibration.measured import CalibratedResult, measure_calibrated
from jaxfake.evaluation.evidence.robustness.perturbation_level import PerturbationLevel
from jaxfake.evaluation.evidence.robustness.perturbed_faces import PerturbedFaces
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.runtime.errors import InputError

ScoreFaces = Callable[[Faces, np.ndarray], FrameScores]
"""Scores the faces at some rows."""

_FACES = 3
"""Of a video, evenly spaced, whose input facts are measured; our choice."""


def calibrate(
    score: ScoreFaces,
    val: FaceDataset,
    rows: np.ndarray,
    aggregation: Aggregation,
    name: str,
    under: Sequence[PerturbationLevel] = (),
) -> Calibration | Undefined:
    """The calibration of a detector on its validation split; undefined with the reason if it has none.

    A line of the logit (Platt, 1999), which few people can determine.

    Args:
        score: of faces, by the detector.
        val: the validation split.
        rows: int64 [n], of its faces that count; those without a known label are left out.
        aggregation: how the scores of a video's faces become one.
        name: of the detector, see `calibration.detector_name`.
        under: perturbations of the crops, in which faces are scored too.
    """
    rows = rows[val.index.label[rows] != schema.UNKNOWN]
    each = list(_conditions(score, val, rows, aggregation, under))
    columns = [np.concatenate(column) for column in zip(*map(_columns, each), strict=True)]
    condition, labels, scores, people, *facts = columns
    try:
        source = Source(val.split, val.digest, name)
        found = fit("platt", labels, scores, people, source, condition)
    except InputError as error:
        return Undefined(str(error))
    # What a codec takes of a face shows in its sharpness; the bytes of one crop say nothing of a video's.
    any_video = {OF_VIDEOS} if any(one.is_video_coded for one in under) else set()
    ranges = fit_ranges(dict(zip(InputFacts._fields, facts, strict=True)), any_video)
    return dataclasses.replace(found, ranges=ranges)


class _Condition(NamedTuple):
    """The validation videos in one condition."""

    name: str
    videos: VideoScores
    facts: list[InputFacts]


def _conditions(
    score: ScoreFaces,
    val: FaceDataset,
    rows: np.ndarray,
    aggregation: Aggregation,
    under: Sequence[PerturbationLevel],
) -> Iterator[_Condition]:
    """See `calibrate`."""
    frames = score(val, rows)
    videos = per_video(val.index, frames, aggregation)
    yield _Condition(AS_STORED, videos, input_facts(val, frames, videos))
    for one in under:
        faces = PerturbedFaces(val, one.kind, one.level, None)
        frames = score(faces, faces.in_order(rows))
        videos = per_video(val.index, frames, aggregation)
        facts = [
            found._replace(face_size=found.face_size * one.shrinks_to)
            for found in _facts_of_faces(faces, frames, videos)
        ]
        yield _Condition(str(one), videos, facts)


def _columns(one: _Condition) -> list[np.ndarray]:
    """Condition, labels, scores, people, and each of `InputFacts`, [videos] each."""
    videos = one.videos
    named = np.full(len(videos.label), one.name)
    facts = np.array(one.facts, np.float64).reshape(-1, len(InputFacts._fields))
    return [named, videos.label, videos.score, videos.identity, *facts.T]


def measure_detector(
    calibration: Calibration | Undefined,
    faces: FaceDataset,
    frames: FrameScores,
    videos: VideoScores,
) -> CalibratedResult | Undefined:
    """What the calibration is worth on the videos of a split that have a score and a label.

    A video without a face is not answered, whatever score a protocol gives it.
    """
    if isinstance(calibration, Undefined):
        return calibration
    if calibration.fitted_on.sha256 == faces.digest:
        return Undefined("the detector was calibrated on these very faces")
    facts = input_facts(faces, frames, videos)
    unlike = np.array([bool(reasons(calibration.ranges, one)) for one in facts], np.bool_)
    unlike |= videos.faces == 0
    used = scored(videos)
    return measure_calibrated(calibration, videos.label[used], videos.score[used], unlike[used])


def input_facts(faces: FaceDataset, frames: FrameScores, videos: VideoScores) -> list[InputFacts]:
    """The facts of each video, of a few of its faces and of its file; NaN where they are not known."""
    files = _files(faces)
    found = []
    for video, facts in enumerate(_facts_of_faces(faces, frames, videos)):
        file = files.get((str(videos.method[video]), str(videos.video_id[video])))
        found.append(facts if file is None else with_compression(facts, file))
    return found


def _facts_of_faces(faces: Faces, frames: FrameScores, videos: VideoScores) -> Iterator[InputFacts]:
    """The facts of each video, of a few of its faces."""
    order = np.argsort(videos.of_face, kind="stable")
    ends = np.cumsum(np.bincount(videos.of_face, minlength=len(videos.label)))
    for start, end in zip(np.append(0, ends)[:-1], ends, strict=True):
        rows = frames.rows[order[start + measured_places(end - start)]]
        yield of_video(facts_of_face(faces[int(row)]) for row in rows)


def measured_places(faces: int) -> np.ndarray:
    """Places of the faces of a video whose input facts are measured, of so many in order; int64 [n]."""
    return first_to_last(faces, _FACES)


def _files(faces: FaceDataset) -> dict[tuple[str, str], FileAttributes]:
    sources = source_table.read(faces.folder) or []
    return {
        (one.method, one.video_id): one.attributes for one in sources if one.split == faces.split
    }
