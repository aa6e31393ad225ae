"""BMP and TIFF files: read as they are meant, or refused by name before anything is decoded."""

import contextlib
import struct

import cv2
import numpy as np
import pytest

from jaxfake.faces.images import read_image
from jaxfake.faces.media import Unreadable

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 255, (24, 32, 3)).astype(np.uint8)  # RGB


def encoded(suffix, picture=PICTURE, *options):
    return cv2.imencode(suffix, picture[..., ::-1], options)[1].tobytes()


def tiff(picture=PICTURE, order="<", **changed):
    """A TIFF of one strip whose tags can be changed; None leaves one out."""
    height, width = picture.shape[:2]
    values = {
        "subfile": (254, 4, 0),
        "width": (256, 4, width),
        "height": (257, 4, height),
        "bits": (258, 3, 8 * picture.itemsize),
        "compression": (259, 3, 1),
        "photometric": (262, 3, 2),
        "strip": (273, 4, 8),
        "orientation": (274, 3, 1),
        "channels": (277, 3, 3),
        "rows": (278, 4, height),
        "bytes": (279, 4, picture.nbytes),
        "tile": (322, 4, None),
        "pictures": (330, 4, None),
        "numbers": (339, 3, 1),
        "dng": (50706, 4, None),
        "private": (65000, 4, None),
    }
    values |= {name: (*values[name][:2], value) for name, value in changed.items()}
    tags = [one for one in values.values() if one[2] is not None]
    pixels = picture.astype(picture.dtype.newbyteorder(order)).tobytes()
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(pixels))
    content = struct.pack(f"{order}H", len(tags))
    for tag, kind, value in tags:
        packed = struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", value)
        content += struct.pack(f"{order}HHI", tag, kind, 1) + packed
    return start + pixels + content + bytes(4)


@pytest.fixture
def read(tmp_path):
    def reading(data):
        (tmp_path / "picture").write_bytes(data)
        return read_image(tmp_path / "picture")

    return reading


@pytest.mark.parametrize(
    "data",
    [
        encoded(".bmp"),
        encoded(".tif"),
        encoded(".tif", PICTURE, cv2.IMWRITE_TIFF_COMPRESSION, 8),
        tiff(order="<"),
        tiff(order=">"),
        tiff(private=1),
    ],
)
def test_they_are_read_without_loss(read, data):
    assert np.array_equal(read(data), PICTURE)


def test_16_bits_become_8(read):
    wide = PICTURE.astype(np.uint16) * 257
    assert np.abs(read(tiff(wide)).astype(int) - PICTURE).max() <= 1


def test_a_tiff_is_turned_upright(read):
    assert np.array_equal(read(tiff(orientation=3)), PICTURE[::-1, ::-1])


@pytest.mark.parametrize("suffix", [".bmp", ".tif"])
@pytest.mark.parametrize("size", [200, -200])
def test_a_cut_file_is_named(read, suffix, size):
    with pytest.raises(Unreadable, match=r"cut short|damaged"):
        read(encoded(suffix)[:size])


def test_a_cut_tiff_whose_tags_come_first_is_named(read):
    data = tiff()
    at = struct.unpack_from("<I", data, 4)[0]
    tags, pixels = data[at:], data[8:at]
    moved = data[:4] + struct.pack("<I", 8) + tags + pixels
    strip = struct.pack("<HHI", 273, 4, 1)
    moved = moved.replace(strip + struct.pack("<I", 8), strip + struct.pack("<I", 8 + len(tags)))
    assert np.array_equal(read(moved), PICTURE)
    with pytest.raises(Unreadable, match="cut short"):
        read(moved[:-10])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tiff(subfile=1), "a camera's raw file"),
        (tiff(pictures=8), "a camera's raw file"),
        (tiff(dng=1), "a camera's raw file"),
        (tiff(bits=1), "other pixels"),
        (tiff(numbers=3), "other pixels"),
        (tiff(photometric=5), "other colours"),
        (tiff(tile=1 << 20), "tiles of 1048576 x 0 pixels are too large"),
        (tiff(width=60000, height=60000), "60000 x 60000 pixels are over the limit"),
        (tiff(width=0), "0 x 24"),
        (tiff(strip=None), "damaged"),
        (encoded(".bmp")[:30] + struct.pack("<I", 1) + encoded(".bmp")[34:], "a compressed BMP"),
        (
            encoded(".bmp")[:18] + struct.pack("<ii", 60000, -60000) + encoded(".bmp")[26:],
            "60000 x 60000 pixels are over the limit",
        ),
    ],
)
def test_others_are_refused_by_name_before_they_are_decoded(read, monkeypatch, data, says):
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(Unreadable, match=says):
        read(data)


def test_no_damage_of_a_header_is_more_than_unreadable(read):
    rng = np.random.default_rng(1)
    for whole in (encoded(".bmp"), encoded(".tif"), tiff()):
        for _ in range(150):
            data = bytearray(whole)
            for at in rng.integers(2, 60, 3).tolist() + rng.integers(-180, 0, 3).tolist():
                data[at] = rng.integers(256)
            with contextlib.suppress(Unreadable):
                assert read(bytes(data)).ndim == 3
