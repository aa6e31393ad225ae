"""What containers say, read from their structure, whatever else is in them."""

import struct

import cv2
import numpy as np
import pytest

from jaxfake.faces import containers
from jaxfake.faces.media import Unreadable


@pytest.fixture(params=["clip.mp4", "clip.avi", "clip.mkv"])
def clip(request, tmp_path):
    path = tmp_path / request.param
    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    return path


def test_kind_and_codec_are_known(clip):
    kind, codec = {
        ".mp4": ("MP4", "mp4v"),
        ".avi": ("AVI", "MJPG"),
        ".mkv": ("Matroska", "MPEG4/ISO/ASP"),
    }[clip.suffix]
    assert containers.kind_of(clip) == kind
    assert containers.codec_name(clip) == codec


def test_frames_without_a_matrix_stay_as_they_are(clip):
    np.testing.assert_array_equal(containers.display_matrix(clip, 0), np.eye(2))


def test_a_turn_that_opencv_has_found_is_believed_outside_of_mp4(clip):
    turned = np.eye(2) if clip.suffix == ".mp4" else [[0, 1], [-1, 0]]
    np.testing.assert_array_equal(containers.display_matrix(clip, 90), turned)


def test_a_mirrored_matroska_is_refused_and_not_guessed(tmp_path):
    path = tmp_path / "mirrored.mkv"
    start = b"\x1a\x45\xdf\xa3" + bytes(100)
    path.write_bytes(start + b"\x76\x73\x84" + struct.pack(">f", 180.0))
    with pytest.raises(Unreadable, match="mirrored"):
        containers.display_matrix(path, 180)
    path.write_bytes(start + b"\x76\x73\x84" + struct.pack(">f", 0.0))
    np.testing.assert_array_equal(containers.display_matrix(path, 180), -np.eye(2))


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def track(handler: bytes, *matrix: int, version: int = 0) -> bytes:
    """A track with that handler and display matrix a, b, c, d."""
    a, b, c, d = (one << 16 for one in matrix)
    before = bytes([version]) + bytes(51 if version else 39)
    tkhd = before + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + bytes(8)
    return box(
        b"trak", box(b"tkhd", tkhd) + box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(12)))
    )


@pytest.mark.parametrize("version", [0, 1])
def test_the_matrix_is_that_of_the_first_video_track(tmp_path, version):
    path = tmp_path / "clip.mp4"
    tracks = track(b"soun", 1, 0, 0, 1) + track(b"vide", -1, 0, 0, 1, version=version)
    path.write_bytes(box(b"ftyp", b"isom") + box(b"moov", tracks + track(b"vide", 1, 0, 0, -1)))
    np.testing.assert_array_equal(containers.display_matrix(path, 180), [[-1, 0], [0, 1]])


@pytest.mark.parametrize("size", [0, 1, 7, 8, 2**31, 2**32 - 1])
def test_boxes_with_senseless_sizes_end_the_search(tmp_path, size):
    path = tmp_path / "clip.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + struct.pack(">I4s", size, b"moov") + bytes(100))
    np.testing.assert_array_equal(containers.display_matrix(path, 0), np.eye(2))
    assert containers.codec_name(path) == ""
