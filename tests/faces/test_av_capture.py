"""Codecs that OpenCV has no decoder for, read by PyAV where it is installed."""

import os
import struct
import wave

import cv2
import numpy as np
import pytest

from jaxfake.faces import av_capture, clip, video
from jaxfake.faces.media import Unreadable

av = pytest.importorskip("av", reason="PyAV is not installed: pip install av")

FRAMES = 20


def write(path, codec: str, frames, interval: int, **options: str):
    """A video of these pictures with a keyframe every `interval` frames."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10, options=options)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            stream.codec_context.gop_size = interval
            for image in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
    finally:
        # Where it may, SVT-AV1 gives its caller real-time priority for ever, and JAX starves.
        os.sched_setscheduler(0, policy, parameters)
    return path


def test_encoding_leaves_the_priority_of_the_tests_as_it_was(tmp_path):
    before = os.sched_getscheduler(0)
    write(tmp_path / "clip.mp4", "libsvtav1", brightening(), 10, preset="12")
    assert os.sched_getscheduler(0) == before


def brightening():
    """Frame n is grey of brightness 10 n, with a white corner at the top left."""
    for n in range(FRAMES):
        image = np.full((96, 128, 3), 10 * n, np.uint8)
        image[:32, :32] = 255
        yield image


def moving(frames: int):
    """Pictures of which every part of the compressed data matters."""
    rng = np.random.default_rng(3)
    noise = cv2.resize(rng.integers(0, 256, (24, 32, 3), np.uint8), (128, 96))
    for n in range(frames):
        yield np.roll(noise, 3 * n, 1) // 2 + rng.integers(0, 100, (96, 128, 1), np.uint8)


def with_hole(path, start: float, size: int):
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 8
    length = struct.unpack_from(">I", data, at - 12)[0]
    at += int(start * length)
    data[at : at + size] = bytes(size)
    path.write_bytes(bytes(data))


@pytest.fixture
def av1(tmp_path):
    return write(tmp_path / "clip.mp4", "libsvtav1", brightening(), 10, preset="12")


def test_frames_of_av1_are_those_asked_for(av1):
    choice = clip.choose(av1, 5)
    frames = list(clip.read_frames(av1, choice))
    assert [frame.number for frame in frames] == video.evenly_spaced(FRAMES, 5)
    for frame in frames:
        assert frame.image.shape == (96, 128, 3)
        assert abs(float(frame.image[48:, 48:].mean()) - 10 * frame.number) < 8
        assert frame.image[8:24, 8:24].mean() > 230


def test_av1_is_described(av1):
    described = video.describe(av1)
    assert (described.frames, described.width, described.height) == (FRAMES, 128, 96)
    assert (described.rate, described.codec) == (10, "av01")


@pytest.mark.parametrize("codec", ["libsvtav1", "libx264", "libx265"])
@pytest.mark.parametrize("start", [0.2, 0.5])
def test_frames_after_a_damaged_stretch_are_used_and_those_in_it_are_not(
    tmp_path, codec, start, capfd
):
    options = {"preset": "12"} if codec == "libsvtav1" else {}
    path = write(tmp_path / "clip.mp4", codec, moving(60), 10, **options)
    every = {frame.number: frame.image for frame in video.read_frames(path, list(range(60)))}
    assert len(every) == 60
    capfd.readouterr()
    with_hole(path, start, 4000)
    found = video.survey(path)
    assert found.reason
    assert found.whole[0] == 0
    assert found.whole[-1] == 59
    assert 30 <= len(found.whole) < 60
    for frame in video.read_frames(path, found.whole):
        np.testing.assert_array_equal(frame.image, every[frame.number])
    assert capfd.readouterr() == ("", "")


def test_without_pyav_the_codec_is_named_with_what_mends_it(av1, monkeypatch):
    monkeypatch.setattr(av_capture, "is_installed", lambda: False)
    with pytest.raises(
        Unreadable, match=r"codec av01 cannot be decoded here: re-encode it \(ffmpeg"
    ):
        clip.choose(av1, 5)


def test_a_file_without_a_video_and_an_unknown_codec_are_said_to_be_that(av1, tmp_path):
    sound = tmp_path / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(1600))
    unknown = tmp_path / "unknown.mp4"
    start, box, end = av1.read_bytes().partition(b"stsd")
    unknown.write_bytes(start + box + end.replace(b"av01", b"zzzz", 1))
    for path, says in [(sound, "there is no video in it"), (unknown, "its codec is unknown")]:
        with pytest.raises(Unreadable, match=says):
            av_capture.AvCapture(path)
