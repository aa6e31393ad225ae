"""The video that was asked about, with a box and a score at every face: an MP4 by PyAV.

Boxes are those of the frames that were scored, and between two of them in a straight line. It is made in a
worker process, as everything that decodes files.
"""

import dataclasses
import fractions
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from jaxfake.faces import video
from jaxfake.faces.media import Unreadable
from jaxfake.inference.results import FileResult, FrameResult, TrackResult
from jaxfake.runtime.errors import InputError

FOLDER = "annotated"

MOST_TRACKS = 6
"""Faces that are marked: the largest."""

_MOST_SIDE = 1280
"""Longer side of the video that is written."""

_UNKNOWN_RATE = 25.0
_COLOURS = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)
"""Of the faces, in RGB, told apart by people who are colour-blind (Okabe and Ito, 2008)."""


@dataclasses.dataclass(frozen=True)
class AnnotationTask:
    """One video to mark."""

    source: Path
    result: FileResult
    to: Path


def check_installed() -> None:
    """Raises InputError if PyAV is not installed."""
    if importlib.util.find_spec("av") is None:
        raise InputError("--annotate needs PyAV, which is not installed: pip install av")


def start() -> Callable[[AnnotationTask], None]:
    """What a worker process does."""
    cv2.setNumThreads(1)
    return annotate


def annotate(task: AnnotationTask) -> None:
    """Writes the marked video; of one that cannot be decoded again, or written, nothing is left."""
    half = task.to.with_suffix(".part")
    task.to.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(task, half)
        half.replace(task.to)
    except (Unreadable, OSError, ValueError, cv2.error):  # PyAV's errors are such too
        half.unlink(missing_ok=True)


def _write(task: AnnotationTask, half: Path) -> None:
    import av

    rate = task.result.file.frames_per_second or _UNKNOWN_RATE
    with av.open(str(half), "w", format="mp4") as container:
        stream = None
        for frame in _frames(task):
            picture = _marked(frame, task.result.tracks[:MOST_TRACKS])
            if stream is None:
                stream = container.add_stream(
                    "libx264", fractions.Fraction(rate).limit_denominator(1001)
                )
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        if stream is not None:
            for packet in stream.encode():
                container.mux(packet)


def _frames(task: AnnotationTask) -> Iterator[video.Frame]:
    """All frames that decode."""
    count = task.result.file.frames or 0
    return video.read_frames(task.source, list(range(count)))


def _marked(frame: video.Frame, tracks: tuple[TrackResult, ...]) -> np.ndarray:
    """The frame in the size of the video, uint8 [h, w, 3] with even sides, with its faces marked."""
    height, width = frame.image.shape[:2]
    scale = min(1.0, _MOST_SIDE / max(height, width))
    size = tuple(max(2, int(side * scale) // 2 * 2) for side in (width, height))
    picture = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    for track in tracks:
        found = _at(track.frames, frame.number)
        if found is not None:
            _mark(picture, np.array(found.box) * scale, found.score, track.track)
    return np.ascontiguousarray(picture)


def _mark(picture: np.ndarray, box: np.ndarray, score: float, number: int) -> None:
    left, top, right, bottom = (int(value) for value in box.round())
    colour, thick = _COLOURS[number % len(_COLOURS)], max(1, len(picture) // 300)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, thick)
    text, size = f"face {number + 1}: {score:.2f}", max(0.4, len(picture) / 900)
    for shade, width in (((0, 0, 0), 3 * thick), ((255, 255, 255), thick)):
        cv2.putText(
            picture, text, (left, max(12, top - 6)), cv2.FONT_HERSHEY_SIMPLEX, size, shade, width
        )


def _at(frames: tuple[FrameResult, ...], number: int) -> FrameResult | None:
    """A face in a frame, between the scored ones around it; None before the first and after the last."""
    numbers = np.array([one.frame for one in frames])
    after = int(np.searchsorted(numbers, number))
    if after == len(frames) or number < numbers[0]:
        return None
    if numbers[after] == number:
        return frames[after]
    before = frames[after - 1]
    share = (number - before.frame) / (numbers[after] - before.frame)
    box = (1 - share) * np.array(before.box) + share * np.array(frames[after].box)
    nearest = before if share < 0.5 else frames[after]
    return dataclasses.replace(nearest, box=type(before.box)(*box.tolist()))
