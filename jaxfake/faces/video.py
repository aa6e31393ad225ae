"""Reads videos from the first frame to the last one needed, without seeking, which is 6 to 9 times slower
and ends at the wrong frame in some files."""

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from jaxfake.faces.media import MAX_FRAME_PIXELS, Unreadable, check_pixels

_MAX_FRAMES = 2_000_000
"""18 hours at 30 a second. If a container claims more, or nothing, its frames are counted by decoding."""

_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame."""

    number: int  # index in the video, from 0
    image: np.ndarray  # uint8 [H, W, 3], RGB, rotated upright as the file says


def evenly_spaced(frames: int, wanted: int) -> list[int]:
    """Indices of `wanted` frames, or of all if there are fewer, from the first to the last."""
    return np.unique(np.linspace(0, frames - 1, min(wanted, frames)).round().astype(int)).tolist()


def count_frames(path: Path) -> int:
    """The number of frames in the header, or, if that is impossible, counted by decoding.

    The number in the header may be too large: decoding may end earlier.

    Raises:
        Unreadable: see `read_frames`.
    """
    with _opened(path) as capture:
        claimed = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if 0 < claimed <= _MAX_FRAMES:
            return claimed
        counted = 0
        while counted < _MAX_FRAMES and capture.grab():
            counted += 1
    if not counted:
        raise Unreadable("no frame of it decodes")
    return counted


def read_frames(path: Path, indices: list[int]) -> Iterator[Frame]:
    """Decodes up to the last of the indices and yields those frames.

    They are fewer if the file ends earlier than its header says. Only one frame is in memory at a time.

    Args:
        path: a video file.
        indices: which frames, ascending, from 0.

    Raises:
        Unreadable: it is not a video, its frames are too large, or none of these frames decodes.
    """
    wanted = iter(indices)
    target = next(wanted, None)
    index = -1
    found = 0
    with _opened(path) as capture:
        while target is not None and capture.grab():
            index += 1
            if index < target:
                continue
            target = next(wanted, None)
            done, picture = capture.retrieve()
            if done and picture is not None:
                found += 1
                yield Frame(index, _rgb(picture))
    if not found:
        raise Unreadable("no frame of it decodes")


def silence_decoder() -> None:
    """Stops FFmpeg and OpenCV from printing about damaged files in this process."""
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    _check_container(path)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        if not capture.isOpened():
            raise Unreadable("it does not open as a video")
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        width, height = (
            int(capture.get(which))
            for which in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        check_pixels(width, height, MAX_FRAME_PIXELS)
        yield capture
    finally:
        capture.release()


def _check_container(path: Path) -> None:
    """Accepts only containers that hold their own pictures; a playlist could name other files.

    Raises:
        Unreadable: it is empty, or neither MP4/MOV, Matroska/WebM nor AVI.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise Unreadable("the file is empty")
    known = (
        start[4:8] in _MP4_BOXES
        or start.startswith(b"\x1a\x45\xdf\xa3")
        or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")
    )
    if not known:
        raise Unreadable("it is not an MP4, MOV, Matroska, WebM or AVI file")


def _rgb(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
