"""Videos: the frames that were asked for, from files that lie about themselves."""

import struct

import cv2
import numpy as np
import pytest

from jaxfake.faces import av_capture, video
from jaxfake.faces import clip as clips
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


def avi_that_claims(path, claim: int):
    write(path, "MJPG")
    data = bytearray(path.read_bytes())
    main, stream = data.index(b"avih"), data.index(b"strh")
    struct.pack_into("<I", data, main + 8 + 16, claim)  # dwTotalFrames
    struct.pack_into("<I", data, stream + 8 + 32, claim)  # dwLength
    path.write_bytes(bytes(data))
    return path


def chosen(path, wanted: int) -> list[int]:
    """Numbers of the frames that are used of a video."""
    return [frame.number for frame in used(path, wanted)[1]]


def used(path, wanted: int):
    choice = clips.choose(path, wanted)
    try:
        return choice, list(clips.read_frames(path, choice))
    except video.NotAsClaimed:
        choice = clips.choose_whole(path, wanted)
        return choice, list(clips.read_frames(path, choice))


@pytest.mark.parametrize("claim", [0, 3, 15, FRAMES - 1, FRAMES, 37, 211, 2_100_000_000, 2**32 - 1])
@pytest.mark.parametrize("wanted", [1, 2, 8, FRAMES, 32])
def test_frames_are_spread_over_what_is_there_whatever_the_container_claims(
    tmp_path, claim, wanted
):
    path = avi_that_claims(tmp_path / "lies.avi", claim)
    assert chosen(path, wanted) == video.evenly_spaced(FRAMES, wanted)


@pytest.mark.parametrize(
    ("claim", "remark"),
    [(37, "cut short: 20 of 37 frames are there"), (FRAMES + 1, ""), (10, ""), (FRAMES, "")],
)
def test_a_video_with_fewer_frames_than_it_counts_is_remarked(tmp_path, claim, remark):
    assert used(avi_that_claims(tmp_path / "lies.avi", claim), 8)[0].remark == remark


def test_a_wrong_claim_is_found_although_the_frames_asked_for_are_there(tmp_path):
    path = avi_that_claims(tmp_path / "lies.avi", 10)
    with pytest.raises(video.NotAsClaimed):
        list(video.read_frames(path, [0, 9], as_claimed=True))
    assert len(list(video.read_frames(path, [0, 9]))) == 2


def test_a_right_claim_costs_no_second_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "survey", lambda _: pytest.fail("all was decoded once more"))
    path = write(tmp_path / "clip.mp4", "mp4v")
    assert chosen(path, 8) == video.evenly_spaced(FRAMES, 8)


def textured(n: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A picture that moves: every part of its compressed data matters."""
    noise = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.roll(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), 3 * n, 1)


def moving(path, codec: str, frames: int = 60):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (128, 96))
    for n in range(frames):
        writer.write(textured(n))
    writer.release()
    return path


def with_hole(path, start: float, size: int):
    """Zeros in the middle of the pictures' data."""
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 8
    at += int(start * (len(data) - at))
    data[at : at + size] = bytes(size)
    path.write_bytes(bytes(data))


def test_frames_from_a_damaged_stretch_are_left_out_and_counted(tmp_path, capfd):
    path = moving(tmp_path / "clip.mp4", "mp4v")  # a keyframe every 12
    good = {frame.number: frame.image for frame in video.read_frames(path, list(range(60)))}
    with_hole(path, 0.3, 3000)
    choice, frames = used(path, 60)
    numbers = [frame.number for frame in frames]
    left_out = set(range(60)) - set(numbers)
    assert 0 < len(left_out) <= 24
    assert min(numbers) == 0
    assert max(numbers) == 59
    assert all((frame.image == good[frame.number]).all() for frame in frames)
    assert choice.remark.startswith(f"damaged: {len(left_out)} of 60 frames are left out (")
    assert capfd.readouterr() == ("", "")


def test_a_video_that_is_damaged_all_over_is_unreadable(tmp_path):
    path = moving(tmp_path / "clip.mp4", "mp4v", frames=10)
    with_hole(path, 0.02, 3000)
    with pytest.raises(Unreadable, match=r"left out|no frame of it decodes"):
        used(path, 32)


def test_a_frame_of_a_damaged_stretch_is_not_given_by_its_number(tmp_path):
    path = moving(tmp_path / "clip.mp4", "mp4v")
    with_hole(path, 0.3, 3000)
    left_out = set(range(60)) - set(video.survey(path).whole)
    damaged = max(left_out)
    assert [frame.number for frame in video.read_frames(path, [0, damaged, 59])] == [0, 59]


def test_damage_in_a_codec_of_keyframes_ends_with_its_frame(tmp_path):
    path = moving(tmp_path / "clip.avi", "MJPG", frames=20)
    data = bytearray(path.read_bytes())
    first = data.index(b"movi")
    at = [n for n in range(first, len(data)) if data[n : n + 4] == b"00dc"][7] + 1500
    data[at : at + 300] = bytes(300)
    path.write_bytes(bytes(data))
    assert video.survey(path).whole == [
        n for n in range(20) if n not in (5, 6, 7)
    ]  # 7 and two before


def with_matrix(path, a: float, b: float, c: float, d: float, movie: bool = False):
    """Sets the display matrix of the track, or that of the movie: x' = a x + c y, y' = b x + d y."""
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 4 + 36 if movie else data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">i", data, at)[0] == 1 << 16
    numbers = [int(value * 65536) for value in (a, b, 0, c, d)]
    struct.pack_into(">5i", data, at, *numbers)
    path.write_bytes(bytes(data))
    return path


TURNS = {
    (1, 0, 0, 1): lambda image: image,
    (0, 1, -1, 0): lambda image: np.rot90(image, -1),  # 90 degrees, clockwise
    (-1, 0, 0, -1): lambda image: np.rot90(image, 2),
    (0, -1, 1, 0): lambda image: np.rot90(image),
    (-1, 0, 0, 1): lambda image: image[:, ::-1],
    (1, 0, 0, -1): lambda image: image[::-1],
    (0, 1, 1, 0): lambda image: image.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda image: image[::-1, ::-1].transpose(1, 0, 2),
}
"""From the stored frame to the one that is seen, by the display matrix a, b, c, d."""


@pytest.mark.parametrize("matrix", TURNS)
@pytest.mark.parametrize("movie", [False, True], ids=["track", "movie"])
def test_turned_and_mirrored_clips_stand_upright(tmp_path, matrix, movie):
    path = moving(tmp_path / "phone.mp4", "mp4v", frames=2)
    stored = next(video.read_frames(path, [1])).image
    with_matrix(path, *matrix, movie=movie)
    np.testing.assert_array_equal(next(video.read_frames(path, [1])).image, TURNS[matrix](stored))


def test_the_matrix_of_the_movie_comes_after_that_of_the_track(tmp_path):
    path = moving(tmp_path / "phone.mp4", "mp4v", frames=2)
    stored = next(video.read_frames(path, [1])).image
    with_matrix(path, 0, 1, -1, 0)
    with_matrix(path, -1, 0, 0, 1, movie=True)
    seen = np.rot90(stored, -1)[:, ::-1]
    np.testing.assert_array_equal(next(video.read_frames(path, [1])).image, seen)


def test_a_clip_that_is_shown_aslant_is_refused(tmp_path):
    path = with_matrix(moving(tmp_path / "aslant.mp4", "mp4v", frames=2), 0.7, 0.7, -0.7, 0.7)
    with pytest.raises(Unreadable, match="neither a turn by quarters nor a mirror"):
        clips.choose(path, 1)


def anamorphic(path, horizontal: int, vertical: int):
    """A clip with pixels of that shape: MP4 may say so in a 'pasp' box of the sample's description."""
    data = bytearray(moving(path, "mp4v", frames=2).read_bytes())
    pasp = struct.pack(">I4sII", 16, b"pasp", horizontal, vertical)
    entry = data.index(b"mp4v") - 4
    end = entry + struct.unpack_from(">I", data, entry)[0]
    if b"pasp" in data:
        struct.pack_into(">II", data, data.index(b"pasp") + 4, horizontal, vertical)
        path.write_bytes(bytes(data))
        return path
    assert data.index(b"moov") > data.index(b"mdat")  # so that no offset changes
    data[end:end] = pasp
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4v"):
        at = data.index(box) - 4
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + len(pasp))
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize(
    ("pixel", "shape"),
    [
        ((2, 1), (96, 256)),
        ((1, 2), (192, 128)),
        ((64, 45), (96, 182)),
        ((1, 1), (96, 128)),
        ((200, 201), (96, 128)),
    ],
)
def test_frames_have_square_pixels(tmp_path, pixel, shape):
    path = anamorphic(tmp_path / "tape.mp4", *pixel)
    image = next(video.read_frames(path, [0])).image
    assert image.shape == (*shape, 3)
    expected = cv2.resize(textured(0)[..., ::-1], shape[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.abs(image.astype(int) - expected).mean() < 12


def test_square_pixels_come_before_the_turn(tmp_path):
    path = with_matrix(anamorphic(tmp_path / "tape.mp4", 2, 1), 0, 1, -1, 0)
    assert next(video.read_frames(path, [0])).image.shape == (256, 96, 3)


def test_pixels_that_no_camera_makes_are_refused(tmp_path):
    path = anamorphic(tmp_path / "tape.mp4", 1000, 1)
    with pytest.raises(Unreadable, match="1000:1"):
        clips.choose(path, 1)


def test_a_codec_without_a_decoder_is_named_and_not_called_damage(tmp_path, monkeypatch):
    monkeypatch.setattr(av_capture, "is_installed", lambda: False)
    path = write(tmp_path / "new codec.avi", "MJPG")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"XYZ1"))
    with pytest.raises(Unreadable) as refused:
        clips.choose(path, 8)
    assert str(refused.value) == (
        "its codec XYZ1 cannot be decoded here: re-encode it (ffmpeg -i 'new codec.avi' -c:v libx264 "
        "OUT.mp4), or pip install av"
    )


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
        clips.choose(path, 8)


def test_an_empty_and_a_headless_file_are_unreadable(tmp_path):
    empty, headless = tmp_path / "empty.mp4", tmp_path / "headless.mp4"
    empty.write_bytes(b"")
    headless.write_bytes(write(tmp_path / "a.mp4", "mp4v").read_bytes()[:200])
    for path in (empty, headless):
        with pytest.raises(Unreadable):
            clips.choose(path, 8)
