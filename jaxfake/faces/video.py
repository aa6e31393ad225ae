"""Videos, decoded once from the first frame to the last one needed; never by seeking, which is 6 to 9
times slower and lands on other frames in some files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from jaxfake.faces.media import MAX_FRAME_PIXELS, Unreadable, check_pixels

_MAX_FRAMES = 2_000_000
"""18 hours at 30 a second. A container that claims more, or nothing, is counted by decoding it."""

_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})


class Frame(NamedTuple):
    """One decoded frame."""

    number: int  # in the video, from 0
    image: np.ndarray  # uint8 [H, W, 3], RGB, turned upright by the rotation that the file names


def evenly_spaced(frames: int, wanted: int) -> list[int]:
    """Indices of `wanted` frames (fewer if there are not so many) from the first to the last."""
    return np.unique(np.linspace(0, frames - 1, min(wanted, frames)).round().astype(int)).tolist()


def count_frames(path: Path) -> int:
    """How many frames the file says it has, or, where it says nonsense, really has.

    What it says is no promise: decoding may end earlier.

    Raises:
        Unreadable: as `read_frames`.
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

    Fewer come where the file ends earlier than its header says. One frame is in memory at a time.

    Args:
        path: a video file.
        indices: which frames, ascending, from 0.

    Raises:
        Unreadable: no video, frames over the bounds, or not one of these frames decodes.
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
    """Keeps what FFmpeg and OpenCV print about damaged files off the terminal of this process."""
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
    """Lets only containers through that carry their own pictures: a playlist could name other files.

    Raises:
        Unreadable: empty, or neither MP4/MOV, Matroska/WebM nor AVI.
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
        raise Unreadable("it is no MP4, MOV, Matroska, WebM or AVI file")


def _rgb(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
