"""Reads videos from the first frame to the last one needed, without seeking, which is 6 to 9 times slower
and ends at the wrong frame in some files.

FFmpeg paints over what it cannot decode and tells standard error alone. So its messages are heard at every
frame: from the first message to the next keyframe that was read after it, frames are damaged.
"""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from jaxfake.faces import av_capture, containers, upright
from jaxfake.faces.av_capture import AvCapture
from jaxfake.faces.media import MAX_FRAME_PIXELS, Unreadable, check_pixels
from jaxfake.runtime import decoder_messages
from jaxfake.runtime.decoder_messages import Messages

_MAX_FRAMES = 2_000_000
"""18 hours at 30 a second. If a container claims more, or nothing, its frames are counted by decoding."""

_MOST_LOST = 10_000
"""So many failures in a row to get a frame are the end of the video; there they cost nothing."""

_BEFORE = 2
"""Frames before a complaint that are left out too: data are lost in stretches, and often the first ones
decode without a word. Our choice."""

_HARMLESS = re.compile(r"mmco: |SEI type|Last message repeated")
"""What FFmpeg says of whole videos that some cameras make."""

_NO_DECODER = re.compile("Could not find decoder for codec|support hardware accelerated")

_MOST_LOST_AFTER = 10
"""The same after the last frame that the container claims."""

_AV1 = frozenset(cv2.VideoWriter.fourcc(*name) for name in ("AV01", "av01"))

_LEFT_OUT = "left out because the decoder could not read them whole"


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame."""

    number: int  # index in the video, from 0
    image: np.ndarray  # uint8 [H, W, 3], RGB, upright and with square pixels as the file says


@dataclasses.dataclass(frozen=True)
class Description:
    """What a container claims."""

    frames: int  # 0 if it claims nothing credible; what times suggest, where it gives no number
    width: int  # as stored
    height: int
    rate: float  # frames per second; 0 if unknown
    codec: str  # four letters; '' if unknown


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a video really holds."""

    whole: list[int]  # numbers of the frames that decode without a complaint of the decoder
    damaged: int  # frames that do not, or come just before such
    reason: str  # the decoder's first complaint; '' if there is none


class NotAsClaimed(Exception):
    """A video has fewer or more frames than its container claims, or damaged ones: `survey` tells which."""


def evenly_spaced(frames: int, wanted: int) -> list[int]:
    """Indices of `wanted` frames, or of all if there are fewer, from the first to the last."""
    return np.unique(np.linspace(0, frames - 1, min(wanted, frames)).round().astype(int)).tolist()


def describe(path: Path) -> Description:
    """What the container claims of a video.

    Raises:
        Unreadable: see `read_frames`.
    """
    with _opened(path) as stream:
        claimed, width, height, rate, codec = (
            stream.capture.get(which)
            for which in (
                cv2.CAP_PROP_FRAME_COUNT,
                cv2.CAP_PROP_FRAME_WIDTH,
                cv2.CAP_PROP_FRAME_HEIGHT,
                cv2.CAP_PROP_FPS,
                cv2.CAP_PROP_FOURCC,
            )
        )
    name = int(codec).to_bytes(4, "little", signed=True)
    return Description(
        frames=int(claimed) if 0 < claimed <= _MAX_FRAMES else 0,
        width=int(width),
        height=int(height),
        rate=rate,
        codec="".join(chr(byte) for byte in name if 32 < byte < 127),
    )


def survey(path: Path) -> Survey:
    """Decodes everything once to see which frames are there and whole.

    Raises:
        Unreadable: see `read_frames`.
    """
    whole: list[int] = []
    was_whole = True
    with _opened(path) as stream:
        while stream.number < _MAX_FRAMES and stream.step():
            if stream.is_whole:
                whole.append(stream.number)
            elif was_whole:
                del whole[-_BEFORE:]
            was_whole = stream.is_whole
    if not whole:
        raise Unreadable(stream.failure())
    return Survey(whole, stream.seen - len(whole), stream.reason)


def read_frames(path: Path, indices: list[int], as_claimed: bool = False) -> Iterator[Frame]:
    """Decodes up to the last of the indices and yields those frames.

    They are fewer if the file ends earlier, and damaged ones are left out. Only one frame is in memory at a
    time.

    Args:
        path: a video file.
        indices: which frames, ascending, from 0.
        as_claimed: the last index should be the last frame, and all should be whole.

    Raises:
        NotAsClaimed: that is not so.
        Unreadable: it is not a video, its frames are too large, or none of these frames decodes.
    """
    found = 0
    with _opened(path) as stream:
        for index in indices:
            picture = stream.picture_at(index)
            if picture is not None:
                found += 1
                yield Frame(index, picture)
        as_it_was = found == len(indices) and not stream.reason
        if as_claimed and (not as_it_was or (len(indices) > 1 and stream.goes_on())):
            raise NotAsClaimed
    if not found:
        raise Unreadable(stream.failure())


class _Stream:
    """An open video and the frame at which it stands."""

    def __init__(self, path: Path, capture: cv2.VideoCapture | AvCapture) -> None:
        self.capture = capture
        self.number = -1  # of the current frame
        self.seen = 0  # frames so far, with those that were lost
        self.reason = ""  # the decoder's first complaint
        self.is_whole = True  # the current frame
        self._keyframe_read = False  # since the last complaint
        self._ended = False
        self._steady = True  # frames have come at even times so far
        width, height, degrees = (
            int(capture.get(which))
            for which in (
                cv2.CAP_PROP_FRAME_WIDTH,
                cv2.CAP_PROP_FRAME_HEIGHT,
                cv2.CAP_PROP_ORIENTATION_META,
            )
        )
        self._pixel = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
        check_pixels(width, height, MAX_FRAME_PIXELS)
        check_pixels(*upright.square_size(width, height, *self._pixel), MAX_FRAME_PIXELS)
        self._axes = containers.display_matrix(path, degrees)

    def step(self) -> bool:
        """Decodes the next frame; False at the end."""
        with decoder_messages.heard() as messages:
            return self._next(messages)

    def picture_at(self, index: int) -> np.ndarray | None:
        """Decodes up to that frame: uint8 [H, W, 3], RGB; None if there is none, or it is damaged."""
        picture = None
        with decoder_messages.heard() as messages:
            while self.number < index and not self._ended:
                self._ended = not self._next(messages)
            if self.number == index and self.is_whole and not self._ended:
                picture = self.capture.retrieve()[1]
        if picture is None:
            return None
        size = upright.square_size(picture.shape[1], picture.shape[0], *self._pixel)
        return cv2.cvtColor(upright.shown(picture, size, self._axes), cv2.COLOR_BGR2RGB)

    def goes_on(self) -> bool:
        """Whether there is another frame, not counting what may come after several that are lost."""
        with decoder_messages.heard() as messages:
            return self._next(messages, most_lost=_MOST_LOST_AFTER)

    def failure(self) -> str:
        """Why there is no frame to use."""
        if self.number >= 0 and self.reason:
            return f"all {self.seen} frames are {_LEFT_OUT} ({self.reason})"
        return "no frame of it decodes" + (f" ({self.reason})" if self.reason else "")

    def _next(self, messages: Messages, most_lost: int = _MOST_LOST) -> bool:
        """Decodes one frame. A failure in between is a lost frame, many failures in a row are the end."""
        failures = lost = 0
        complaint = ""
        while not self.capture.grab():
            failures += 1
            fresh = _complaint(messages)
            if fresh:
                complaint, lost = complaint or fresh, failures
            if failures > most_lost or (self.number < 0 and _NO_DECODER.search(fresh)):
                self.reason = self.reason or complaint
                self.seen += lost
                return False
        complaint = complaint or _complaint(messages) or ("a frame is lost" if failures else "")
        if complaint or not self.is_whole:
            self._judge(complaint)
        self._count(failures)
        return True

    def _judge(self, complaint: str) -> None:
        """Whether the current frame is whole: a complaint ends that, a later keyframe restores it."""
        if complaint:
            self.reason = self.reason or complaint
            self.is_whole = self._keyframe_read = False
            return
        if self.capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
            self._keyframe_read = True
        kind = chr(int(self.capture.get(cv2.CAP_PROP_FRAME_TYPE)))
        self.is_whole = self._keyframe_read and kind in "I?"

    def _count(self, lost: int) -> None:
        """The number of the frame that has come: after damage by its time, if frames come at even times."""
        expected = self.number + 1 + lost
        time = int(self.capture.get(cv2.CAP_PROP_PTS))
        if self.number < 0:
            self._first_time = time - expected
        by_time = time - self._first_time
        if self.is_whole:
            self._steady = self._steady and by_time == expected
        elif self._steady and self.number < by_time <= _MAX_FRAMES:
            expected = by_time
        self.number = expected
        self.seen = expected + 1


@contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    containers.kind_of(path)
    capture = _capture(path)
    try:
        yield _Stream(path, capture)
    finally:
        capture.release()


def _capture(path: Path) -> cv2.VideoCapture | AvCapture:
    """The decoder of a file: OpenCV's, or PyAV's where OpenCV has none for its codec.

    Raises:
        Unreadable: neither has one, or it is no video.
    """
    capture, lines = _open(path)
    if int(capture.get(cv2.CAP_PROP_FOURCC)) in _AV1:  # it opens, whether it can be decoded or not
        with decoder_messages.heard() as messages:
            capture.grab()
        lines += messages.lines
        capture.release()
        capture, _ = _open(path)
    if any(map(_NO_DECODER.search, lines)):
        capture.release()
        return _second_decoder(path)
    if not capture.isOpened():
        complaint = f" ({_without_address(lines[0])})" if lines else ""
        raise Unreadable(f"it does not open as a video{complaint}")
    return capture


def _open(path: Path) -> tuple[cv2.VideoCapture, list[str]]:
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        with decoder_messages.heard() as messages:
            capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
            capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    finally:
        cv2.utils.logging.setLogLevel(level)
    return capture, messages.lines


def _second_decoder(path: Path) -> AvCapture:
    """PyAV's decoder for a file that OpenCV has none for."""
    if av_capture.is_installed():
        return AvCapture(path)
    codec = containers.codec_name(path)
    raise Unreadable(
        f"its codec {codec} cannot be decoded here: re-encode it (ffmpeg -i {shlex.quote(path.name)} "
        "-c:v libx264 OUT.mp4), or pip install av"
    )


def _complaint(messages: Messages) -> str:
    """What the decoder has complained about since the last time, without the decoder's address."""
    for line in messages.fresh():
        if not _HARMLESS.search(line):
            return _without_address(line)
    return ""


def _without_address(line: str) -> str:
    return line.partition("] ")[2] or line
