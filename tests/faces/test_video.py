"""Videos: the frames that were asked for, from files that lie about themselves."""

import struct

import cv2
import numpy as np
import pytest

from jaxfake.faces import video
from jaxfake.faces.media import Unreadable

FRAMES = 20


def write(path, codec: str, frames: int = FRAMES, width: int = 64, height: int = 48):
    """A clip whose frame n is grey of brightness 10 n, with a white corner at the top left."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (width, height))
    for n in range(frames):
        image = np.full((height, width, 3), 10 * n, np.uint8)
        image[:16, :16] = 255
        writer.write(image)
    writer.release()
    return path


@pytest.fixture(params=["clip.mp4", "clip.avi", "clip.mkv"])
def clip(request, tmp_path):
    return write(tmp_path / request.param, "MJPG" if request.param.endswith("avi") else "mp4v")


def brightness(frame: video.Frame) -> float:
    return float(frame.image[24:, 24:].mean())


@pytest.mark.parametrize("indices", [[0], [19], [0, 7, 8, 19], list(range(FRAMES))])
def test_exactly_the_frames_asked_for_come(clip, indices):
    frames = list(video.read_frames(clip, indices))
    assert [frame.number for frame in frames] == indices
    for frame in frames:
        assert frame.image.shape == (48, 64, 3)
        assert abs(brightness(frame) - 10 * frame.number) < 6


def test_frames_are_rgb(tmp_path):
    path = tmp_path / "red.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), (0, 0, 250), np.uint8))  # BGR
    writer.release()
    red, _, blue = next(video.read_frames(path, [0])).image.mean((0, 1))
    assert red > 200 > 50 > blue


def test_spacing_takes_both_ends_and_never_more_than_there_are():
    assert video.evenly_spaced(100, 3) == [0, 50, 99]
    assert video.evenly_spaced(4, 32) == [0, 1, 2, 3]
    assert video.evenly_spaced(1, 32) == [0]
    assert video.evenly_spaced(10, 1) == [0]


def test_a_clip_that_ends_early_gives_what_there_is(clip):
    frames = list(video.read_frames(clip, [5, 100, 200]))
    assert [frame.number for frame in frames] == [5]


def test_a_clip_of_which_no_wanted_frame_decodes_is_unreadable(clip):
    with pytest.raises(Unreadable, match="no frame"):
        list(video.read_frames(clip, [100]))


@pytest.mark.parametrize("claim", [0, 2_100_000_000])
def test_an_absurd_number_of_frames_is_counted(tmp_path, claim):
    path = write(tmp_path / "lies.avi", "MJPG")
    data = bytearray(path.read_bytes())
    main, stream = data.index(b"avih"), data.index(b"strh")
    struct.pack_into("<I", data, main + 8 + 16, claim)  # dwTotalFrames
    struct.pack_into("<I", data, stream + 8 + 32, claim)  # dwLength
    path.write_bytes(bytes(data))
    assert video.count_frames(path) == FRAMES


def test_a_clip_filmed_upright_comes_upright(tmp_path):
    path = write(tmp_path / "phone.mp4", "mp4v")
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # version 0: 4 + 20 + 16 bytes before the matrix
    fixed = 1 << 16
    assert struct.unpack_from(">i", data, matrix)[0] == fixed
    quarter = (0, fixed, 0, -fixed, 0, 0, 48 * fixed, 0, 1 << 30)  # 90 degrees, clockwise
    struct.pack_into(">9i", data, matrix, *quarter)
    path.write_bytes(bytes(data))
    image = next(video.read_frames(path, [0])).image
    assert image.shape == (64, 48, 3)
    assert image[:12, -12:].mean() > 200
    assert image[:12, :12].mean() < 60


def test_frames_over_the_bound_are_refused_before_decoding(clip, monkeypatch):
    monkeypatch.setattr(video, "MAX_FRAME_PIXELS", 64 * 48 - 1)
    with pytest.raises(Unreadable, match="over the limit"):
        list(video.read_frames(clip, [0]))


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\nother.mp4\n",
        b"ffconcat version 1.0\nfile other.mp4\n",
        b"this is not a video\n" * 9,
    ],
)
def test_only_containers_are_opened_never_lists_of_other_files(tmp_path, content):
    write(tmp_path / "other.mp4", "mp4v")
    path = tmp_path / "list.mp4"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match="is not an MP4"):
        video.count_frames(path)


def test_an_empty_and_a_headless_file_are_unreadable(tmp_path):
    empty, headless = tmp_path / "empty.mp4", tmp_path / "headless.mp4"
    empty.write_bytes(b"")
    headless.write_bytes(write(tmp_path / "a.mp4", "mp4v").read_bytes()[:200])
    for path in (empty, headless):
        with pytest.raises(Unreadable):
            video.count_frames(path)
