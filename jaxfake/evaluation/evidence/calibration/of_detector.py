"""The calibration of a trained detector on its validation split, and its use on other splits."""

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data import source_table
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.aggregate import VideoScores, per_video, scored
from jaxfake.evaluation.evenly_spaced import first_to_last
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.calibration.fit import Source, fit
from jaxfake.evaluation.evidence.calibration.input_range import (
    InputFacts,
    facts_of_face,
    of_video,
    reasons,
)
from jaxfake.evaluation.evidence.calibration.measured import CalibratedResult, measure_calibrated
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores, ScoringSettings, score_frames
from jaxfake.models.method import Method, Params
from jaxfake.runtime.errors import InputError

_FACES = 3
"""Of a video, evenly spaced, whose input facts are measured; our choice."""


def calibrate(
    method: Method,
    params: Params,
    val: FaceDataset,
    rows: np.ndarray,
    scoring: ScoringSettings,
    aggregation: Aggregation,
    name: str,
) -> Calibration | Undefined:
    """The calibration of a detector on its validation split; undefined with the reason if it has none.

    A line of the logit (Platt, 1999), which few people can determine.

    Args:
        method: the detector.
        params: its parameters.
        val: the validation split.
        rows: int64 [n], of its faces that count; those without a known label are left out.
        scoring: how faces are scored.
        aggregation: how the scores of a video's faces become one.
        name: of the detector, see `calibration.detector_name`.
    """
    rows = rows[val.index.label[rows] != schema.UNKNOWN]
    frames = score_frames(method, params, val, rows, scoring)
    videos = per_video(val.index, frames, aggregation)
    facts = input_facts(val, frames, videos)
    columns = dict(zip(InputFacts._fields, np.array(facts, np.float64).T, strict=True))
    try:
        source = Source(val.split, val.digest, name)
        return fit("platt", videos.label, videos.score, videos.identity, source, columns)
    except InputError as error:
        return Undefined(str(error))


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
    order = np.argsort(videos.of_face, kind="stable")
    ends = np.cumsum(np.bincount(videos.of_face, minlength=len(videos.label)))
    starts = np.append(0, ends)[:-1]
    compression = _bytes_per_pixel(faces)
    found = []
    for video, (start, end) in enumerate(zip(starts, ends, strict=True)):
        rows = frames.rows[order[start + measured_places(end - start)]]
        key = (str(videos.method[video]), str(videos.video_id[video]))
        facts = of_video(facts_of_face(faces[int(row)]) for row in rows)
        found.append(facts._replace(bytes_per_pixel=compression.get(key, np.nan)))
    return found


def measured_places(faces: int) -> np.ndarray:
    """Places of the faces of a video whose input facts are measured, of so many in order; int64 [n]."""
    return first_to_last(faces, _FACES)


def _bytes_per_pixel(faces: FaceDataset) -> dict[tuple[str, str], float]:
    sources = source_table.read(faces.folder) or []
    return {
        (one.method, one.video_id): one.attributes.bytes_per_pixel
        for one in sources
        if one.split == faces.split and one.attributes.bytes_per_pixel is not None
    }
