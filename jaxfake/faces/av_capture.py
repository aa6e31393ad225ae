"""Videos whose codec OpenCV cannot decode, such as AV1, read by PyAV where it is installed."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from jaxfake.faces.media import Unreadable


def is_installed() -> bool:
    """Whether PyAV can be imported."""
    return importlib.util.find_spec("av") is not None


class AvCapture:
    """The part of `cv2.VideoCapture` that is used here, for the first video of a file.

    Raises:
        Unreadable: PyAV cannot decode it either.
    """

    def __init__(self, path: Path) -> None:
        import av

        av.logging.restore_default_callback()  # to standard error, where messages are heard
        self._error = av.error.FFmpegError
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
            self._stream.codec_context.thread_count = 1
        except self._error as error:
            raise Unreadable(f"it does not open as a video (PyAV: {error})") from error
        except IndexError as error:
            raise Unreadable("there is no video in it") from error
        except AttributeError as error:  # it has no codec context
            raise Unreadable("its codec is unknown to PyAV too") from error
        self._packets = self._container.demux(self._stream)
        self._frames: Iterator[Any] = iter(())
        self._frame: Any = None
        self._key_packet = False  # the last packet that was read, as the container says

    def isOpened(self) -> bool:
        """True: what does not open raises."""
        return True

    def grab(self) -> bool:
        """Goes on to the next frame; False for a damaged one, and at the end."""
        try:
            self._frame = self._next()
        except self._error:
            self._frames = iter(())
            return False
        return self._frame is not None and not self._frame.is_corrupt

    def retrieve(self) -> tuple[bool, np.ndarray]:
        """The current frame: uint8 [H, W, 3], BGR."""
        return True, self._frame.to_ndarray(format="bgr24")

    def get(self, which: int) -> float:
        """A property, numbered as in OpenCV; 0 if it is unknown."""
        stream, frame = self._stream, self._frame
        ratio = stream.sample_aspect_ratio or 0
        found: dict[int, Any] = {
            cv2.CAP_PROP_FRAME_COUNT: stream.frames,
            cv2.CAP_PROP_FRAME_WIDTH: stream.codec_context.width,
            cv2.CAP_PROP_FRAME_HEIGHT: stream.codec_context.height,
            cv2.CAP_PROP_FPS: stream.average_rate or 0,
            cv2.CAP_PROP_FOURCC: int.from_bytes(stream.codec_tag.encode()[:4].ljust(4), "little"),
            cv2.CAP_PROP_SAR_NUM: ratio.numerator,
            cv2.CAP_PROP_SAR_DEN: ratio.denominator,
        }
        if frame is not None:
            found[cv2.CAP_PROP_LRF_HAS_KEY_FRAME] = self._key_packet
            found[cv2.CAP_PROP_FRAME_TYPE] = ord("I" if frame.key_frame else "P")
            found[cv2.CAP_PROP_PTS] = self._time_in_frames()
        return float(found.get(which, 0))

    def release(self) -> None:
        """Closes the file."""
        self._container.close()

    def _next(self) -> Any:
        """The next frame; None at the end."""
        while True:
            frame = next(self._frames, None)
            if frame is not None:
                return frame
            packet = next(self._packets, None)
            if packet is None:
                return None
            self._key_packet = packet.is_keyframe
            self._frames = iter(packet.decode())

    def _time_in_frames(self) -> float:
        rate = self._stream.average_rate
        if self._frame.pts is None or not rate:
            return 0.0
        return round(float(self._frame.pts * self._frame.time_base * rate))
