"""What a file holds is told by its content, whatever its name; what it may be read as, by both."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from jaxfake.faces import clip, media
from jaxfake.faces.file_kinds import FACELESS, Kind, kind_of
from tests.project import ROOT

PICTURE = np.full((24, 32, 3), (10, 60, 200), np.uint8)


def encoded(suffix):
    return cv2.imencode(suffix, PICTURE)[1].tobytes()


def mp4(brand):
    return b"\0\0\0\x20ftyp" + brand + b"\0\0\0\0" + brand + b"mif1miaf"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        *((encoded(suffix), Kind.PICTURE) for suffix in (".png", ".jpg", ".webp", ".bmp", ".tif")),
        (b"GIF89a\x01\0\x01\0", Kind.OTHER_PICTURE),
        (mp4(b"avif"), Kind.OTHER_PICTURE),
        (mp4(b"heic"), Kind.OTHER_PICTURE),
        (mp4(b"mif1"), Kind.OTHER_PICTURE),
        (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.OTHER_PICTURE),
        (mp4(b"isom"), Kind.VIDEO),
        (mp4(b"qt  "), Kind.VIDEO),
        (b"\x1a\x45\xdf\xa3\x9f", Kind.VIDEO),
        (b"RIFF\0\0\0\0AVI LIST", Kind.VIDEO),
        (b"FLV\x01\x05", Kind.OTHER_VIDEO),
        (b"\x47" + bytes(187) + b"\x47" + bytes(187), Kind.OTHER_VIDEO),
        (b"\0\0\x01\xba\x44", Kind.OTHER_VIDEO),
        (mp4(b"M4A "), Kind.AUDIO),
        (b"RIFF\0\0\0\0WAVEfmt ", Kind.AUDIO),
        (b"PK\x03\x04\x14\0", Kind.ARCHIVE),
        ("Tür\n1,2\n".encode(), Kind.TEXT),
        ("a\r\n".encode("utf-16"), Kind.TEXT),
        (("ä" * 4096).encode()[:4096] + b"x", Kind.TEXT),
        (b"BMW and others\n", Kind.TEXT),
        (b"", Kind.EMPTY),
        (b"\x93NUMPY\x01\0v\0", Kind.UNKNOWN),
    ],
)
def test_the_content_tells_the_kind(tmp_path, content, kind):
    for name in ("x", "x.jpg", "x.mp4", "x.txt", "x.jpg?size=large"):
        (tmp_path / name).write_bytes(content)
        assert kind_of(tmp_path / name) is kind


def test_only_what_cannot_show_a_face_is_without_one():
    assert {Kind.AUDIO, Kind.TEXT, Kind.EMPTY} == FACELESS


@pytest.mark.parametrize("name", ["x", "x.jpe", "x.jfif", "x.jpg?size=large", "x.dat", "X.JPG"])
def test_a_picture_is_one_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(encoded(".jpg"))
    assert media.is_image(tmp_path / name)
    assert not media.is_video(tmp_path / name)


def test_a_picture_in_the_place_of_a_video_is_not_taken(tmp_path):
    """It would be one frame of who knows what: it stays a video, which cannot be read."""
    (tmp_path / "x.mp4").write_bytes(encoded(".jpg"))
    assert media.is_video(tmp_path / "x.mp4")
    assert not media.is_image(tmp_path / "x.mp4")


@pytest.mark.parametrize(
    ("name", "content", "image", "video"),
    [
        ("x.mp4", b"a text", False, True),  # to be called unreadable by name
        ("x.png", b"", True, False),
        ("x.jpg", mp4(b"heic"), True, False),
        ("x.heic", mp4(b"heic"), False, False),
        ("x.gif", b"GIF89a\x01\0\x01\0", False, False),
        ("x", b"a text", False, False),
        ("x.dat", mp4(b"isom"), False, True),
    ],
)
def test_unknown_content_goes_by_its_name(tmp_path, name, content, image, video):
    (tmp_path / name).write_bytes(content)
    assert (media.is_image(tmp_path / name), media.is_video(tmp_path / name)) == (image, video)


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "x")
    assert kind_of(tmp_path / "x") is Kind.UNKNOWN
    assert kind_of(tmp_path / "gone") is Kind.UNKNOWN


def test_frames_without_a_suffix_are_frames(tmp_path):
    for name in ("10", "2", "1.jpg?x=1"):
        (tmp_path / name).write_bytes(encoded(".png"))
    (tmp_path / "notes").write_text("no picture")
    assert [path.name for path in clip.pictures(tmp_path)] == ["1.jpg?x=1", "2", "10"]


def test_kinds_are_known_without_opencv():
    program = "import sys; sys.modules['cv2'] = None; import jaxfake.faces.file_kinds"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
