"""Whether an input is like those of validation: face size, sharpness, pose and compression.

A detector says nothing reliable of a face that is smaller, more blurred or more turned than all that it was
calibrated on. Such an input gets a reason code, and the detector abstains. Frames of a video share
bytes, so that bytes per pixel have a range for photographs and one for videos.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np

from jaxfake.data.preparation.source_facts.attributes import FileAttributes, look_of
from jaxfake.evaluation.evidence.calibration.calibration import InputRange
from jaxfake.schema import Example

ReasonCode = Literal["face_too_small", "face_too_blurred", "face_turned", "compression_unlike"]


class InputFacts(NamedTuple):
    """What is measured of a video; NaN where it is not known."""

    face_size: float  # side in pixels of the region of the frame that the crop shows
    sharpness: float  # logarithm of the variance of the Laplacian of grey
    turn: float  # 0 for a face from the front, 0.5 for one whose nose is above the corner of an eye
    photograph_bytes_per_pixel: float = math.nan  # of the file; NaN of a video
    video_bytes_per_pixel: float = math.nan  # of the file, over all frames; NaN of a photograph


class Reason(NamedTuple):
    """Why a detector abstains from an input."""

    code: ReasonCode
    sentence: str


OF_VIDEOS, _OF_PHOTOGRAPHS = "video_bytes_per_pixel", "photograph_bytes_per_pixel"

_SIDES: Mapping[str, tuple[bool, bool]] = {
    "face_size": (True, False),
    "sharpness": (True, False),
    "turn": (False, True),
    _OF_PHOTOGRAPHS: (True, True),
    OF_VIDEOS: (True, True),
}
"""Whether too low and too high values of each fact are a reason."""

_CODES: Mapping[str, ReasonCode] = {
    "face_size": "face_too_small",
    "sharpness": "face_too_blurred",
    "turn": "face_turned",
    _OF_PHOTOGRAPHS: "compression_unlike",
    OF_VIDEOS: "compression_unlike",
}

_KINDS = {OF_VIDEOS: ("video", _OF_PHOTOGRAPHS), _OF_PHOTOGRAPHS: ("photograph", OF_VIDEOS)}
"""A kind of file by its fact, and the fact of the other kind."""

_OUTSIDE = 0.005
"""Share of the validation videos that may lie beyond each bound; our choice."""

_FEWEST = 50
"""Validation videos of which a fact must be known to bound it; our choice."""

_NOSE, _EYES = 30, (36, 45)
"""The tip of the nose and the outer corners of the eyes, in iBUG-68 order."""


def facts_of_face(example: Example) -> InputFacts:
    """The facts of one crop, with the compression unknown."""
    look = look_of(example.image, example.matrix)
    return InputFacts(look.face_size, look.sharpness, turn_of(example.landmarks))


def turn_of(landmarks: np.ndarray) -> float:
    """How far the tip of the nose is from the middle of the eyes, along their line and by its length.

    Args:
        landmarks: float [68, 2]; NaN where they are absent.
    """
    first, second = landmarks[list(_EYES)].astype(np.float64)
    line = second - first
    length = float(line @ line)
    if not length > 0:
        return math.nan
    return abs(float((landmarks[_NOSE] - first) @ line) / length - 0.5)


def with_compression(facts: InputFacts, file: FileAttributes) -> InputFacts:
    """The facts of the faces of a file with that of its compression, if it is known."""
    if file.bytes_per_pixel is None:
        return facts
    name = OF_VIDEOS if file.is_clip else _OF_PHOTOGRAPHS
    return facts._replace(**{name: file.bytes_per_pixel})


def of_video(faces: Iterable[InputFacts]) -> InputFacts:
    """The median of each fact over the faces of a video."""
    columns = np.array(list(faces), np.float64).reshape(-1, len(InputFacts._fields))
    return InputFacts(*(_median(column) for column in columns.T))


def fit_ranges(
    facts: Mapping[str, np.ndarray], unbounded: Collection[str] = ()
) -> tuple[InputRange, ...]:
    """The bounds of each fact, float [n]; none of a fact that too few videos have.

    Args:
        facts: by their names; NaN where one is not known.
        unbounded: facts of which any value is like validation.
    """
    ranges = []
    for name, (low, high) in _SIDES.items():
        if name in unbounded:
            ranges.append(InputRange(name, None, None))
            continue
        values = facts.get(name, np.zeros(0))
        known = values[np.isfinite(values)]
        if len(known) >= _FEWEST:
            ends = np.quantile(known, [_OUTSIDE, 1 - _OUTSIDE])
            ranges.append(
                InputRange(name, float(ends[0]) if low else None, float(ends[1]) if high else None)
            )
    return tuple(ranges)


def reasons(ranges: Iterable[InputRange], facts: InputFacts) -> list[Reason]:
    """Why an input with these facts is unlike those of validation; nothing if it is like them."""
    ranges = tuple(ranges)
    found = _unknown_kind(ranges, facts)
    for one in ranges:
        value = getattr(facts, one.name)
        bound = None
        if one.low is not None and value < one.low:
            bound = f"below {one.low:.3g}"
        elif one.high is not None and value > one.high:
            bound = f"above {one.high:.3g}"
        if bound:
            words = one.name.replace("_", " ")
            sentence = f"{words} is {value:.3g}, {bound}, which bounds the validation videos"
            found.append(Reason(_CODES[one.name], sentence))
    return found


def _unknown_kind(ranges: tuple[InputRange, ...], facts: InputFacts) -> list[Reason]:
    """A video where validation had only photographs, or the other way round."""
    bounded = {one.name for one in ranges}
    return [
        Reason(
            "compression_unlike", f"it is a {kind}, of which validation had fewer than {_FEWEST}"
        )
        for name, (kind, other) in _KINDS.items()
        if math.isfinite(getattr(facts, name)) and name not in bounded and other in bounded
    ]


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan
