"""Photographs: decoded alike whatever their kind, refused before they cost memory."""

import contextlib
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxfake.faces.images import read_image
from jaxfake.faces.media import Unreadable


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    """uint8 RGB; red to the left, blue at the bottom."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 250
    image[height // 2 :, :, 2] = 250
    return image


def encoded(suffix: str, image: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image, options)[
        1
    ].tobytes()


def with_exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIIi", 8, 1, 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


KINDS = {
    "png": encoded(".png", picture()),
    "jpg": encoded(".jpg", picture(), cv2.IMWRITE_JPEG_QUALITY, 98),
    "progressive.jpg": encoded(".jpg", picture(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "lossy.webp": encoded(".webp", picture(), cv2.IMWRITE_WEBP_QUALITY, 90),
    "lossless.webp": encoded(".webp", picture(), cv2.IMWRITE_WEBP_QUALITY, 101),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_as_rgb(tmp_path, kind):
    path = tmp_path / kind
    path.write_bytes(KINDS[kind])
    image = read_image(path)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - picture())[4:16, 4:26].mean() < 12
    assert image.shape == picture().shape


def test_what_is_inside_counts_not_the_suffix(tmp_path):
    path = tmp_path / "really_png.jpg"
    path.write_bytes(KINDS["png"])
    np.testing.assert_array_equal(read_image(path), picture())


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        (np.full((8, 9), 51 * 257, np.uint16), 51),
        (np.full((8, 9), 51, np.uint8), 51),
        (np.full((8, 9, 4), 51, np.uint8), 51),
    ],
    ids=["16 bits", "grey", "transparent"],
)
def test_other_depths_and_channels_become_8_bit_rgb(tmp_path, stored, seen):
    path = tmp_path / "a.png"
    path.write_bytes(cv2.imencode(".png", stored)[1].tobytes())
    np.testing.assert_array_equal(read_image(path), np.full((8, 9, 3), seen))


def test_a_photograph_is_turned_upright(tmp_path):
    path = tmp_path / "turned.jpg"
    path.write_bytes(with_exif_orientation(KINDS["jpg"], 6))  # turn by 90 degrees, clockwise
    upright = read_image(path)
    assert upright.shape == (60, 40, 3)
    assert np.abs(upright.astype(int) - np.rot90(picture(), -1)).mean() < 12


@pytest.mark.parametrize(
    ("width", "height"), [(60000, 60000), (0, 10), (2**31, 1), (2**32 - 1, 2**32 - 1)]
)
def test_a_claim_of_too_many_pixels_is_refused_undecoded(tmp_path, monkeypatch, width, height):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(width, height))
    with pytest.raises(Unreadable, match="pixels"):
        read_image(path)


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_file_is_no_photograph(tmp_path, kind):
    path = tmp_path / kind
    path.write_bytes(KINDS[kind][: len(KINDS[kind]) // 2])
    with pytest.raises(Unreadable, match="cut short"):
        read_image(path)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None
)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    cut=st.integers(0, 3000),
    flips=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), max_size=3),
)
def test_damage_is_refused_or_survived_never_a_crash(tmp_path, kind, cut, flips):
    data = bytearray(KINDS[kind][: cut or None])
    for at, change in flips:
        if at < len(data):
            data[at] ^= change
    path = tmp_path / kind
    path.write_bytes(bytes(data))
    with contextlib.suppress(Unreadable):
        assert read_image(path).shape[2] == 3


def test_text_is_no_photograph(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_bytes(b"dear diary")
    with pytest.raises(Unreadable, match="is not a PNG, JPEG, WebP, BMP or TIFF picture"):
        read_image(path)
