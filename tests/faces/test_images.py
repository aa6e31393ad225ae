"""Photographs: decoded alike whatever their kind, refused before they cost memory."""

import contextlib
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxfake.faces.images import read_image, read_photograph
from jaxfake.faces.media import Unreadable
from jaxfake.runtime import decoder_messages


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


UPRIGHT = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image, 1),
}
"""From what is stored to what is seen, by EXIF orientation."""


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photograph_is_turned_and_mirrored_upright(tmp_path, orientation):
    path = tmp_path / "turned.jpg"
    path.write_bytes(with_exif_orientation(KINDS["jpg"], orientation))
    expected = UPRIGHT[orientation](picture())
    upright = read_image(path)
    assert upright.shape == expected.shape
    assert np.abs(upright.astype(int) - expected).mean() < 12


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


def textured(height: int = 96, width: int = 128) -> np.ndarray:
    """uint8 RGB, smooth noise: every part of its compressed data matters."""
    noise = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 3))
    return cv2.resize(noise.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)


TEXTURED = {
    "png": encoded(".png", textured()),
    "jpg": encoded(".jpg", textured(), cv2.IMWRITE_JPEG_QUALITY, 95),
    "restarts.jpg": encoded(".jpg", textured(), cv2.IMWRITE_JPEG_RST_INTERVAL, 4),
    "progressive.jpg": encoded(".jpg", textured(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "lossy.webp": encoded(".webp", textured(), cv2.IMWRITE_WEBP_QUALITY, 90),
    "lossless.webp": encoded(".webp", textured(), cv2.IMWRITE_WEBP_QUALITY, 101),
}


def with_sizes(webp: bytes) -> bytes:
    """A WebP file of one chunk whose lengths fit its content."""
    body = webp[20:]
    return (
        b"RIFF"
        + struct.pack("<I", len(body) + 12)
        + webp[8:16]
        + struct.pack("<I", len(body))
        + body
    )


def read(tmp_path, data: bytes) -> np.ndarray:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return read_image(path)


@pytest.mark.parametrize("kind", TEXTURED)
def test_bytes_after_the_picture_do_not_matter(tmp_path, kind):
    whole = read(tmp_path, TEXTURED[kind])
    np.testing.assert_array_equal(read(tmp_path, TEXTURED[kind] + b"camera" * 2000), whole)


@pytest.mark.parametrize(("kind", "missing"), [("png", 12), ("png", 5), ("jpg", 2), ("jpg", 1)])
def test_a_picture_without_its_end_mark_is_taken_if_no_pixel_is_lost(tmp_path, kind, missing):
    whole, data = read(tmp_path, TEXTURED[kind]), TEXTURED[kind][:-missing]
    np.testing.assert_array_equal(read(tmp_path, data), whole)
    with pytest.raises(Unreadable, match="cut short"):
        read(tmp_path, data[:-16])


def test_a_progressive_picture_without_its_end_mark_may_lack_scans(tmp_path):
    with pytest.raises(Unreadable, match="cut short"):
        read(tmp_path, TEXTURED["progressive.jpg"][:-2])


@pytest.mark.parametrize("kind", TEXTURED)
@pytest.mark.parametrize("share", [0.5, 0.7])
def test_a_picture_with_a_hole_is_refused_and_nothing_else_is_printed(tmp_path, capfd, kind, share):
    data = bytearray(TEXTURED[kind])
    at = int(share * len(data))
    data[at : at + 512] = bytes(512)
    with pytest.raises(Unreadable, match=r"damaged|does not decode|checksum"):
        read(tmp_path, bytes(data))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", TEXTURED)
def test_a_picture_of_which_the_middle_is_lost_is_refused(tmp_path, kind):
    data = TEXTURED[kind]
    data = data[: len(data) // 2] + data[len(data) // 2 + 200 :]
    with pytest.raises(Unreadable, match=r"damaged|does not decode|checksum|cut short"):
        read(tmp_path, with_sizes(data) if kind.endswith("webp") else data)


def test_a_missing_restart_marker_is_damage(tmp_path):
    data = bytearray(TEXTURED["restarts.jpg"])
    at = data.index(b"\xff\xd3")
    del data[at : at + 2]
    with pytest.raises(Unreadable, match="damaged"):
        read(tmp_path, bytes(data))


def test_a_few_zeros_before_the_end_mark_are_padding(tmp_path):
    data = TEXTURED["jpg"]
    padded = data[:-2] + bytes(5) + data[-2:]
    np.testing.assert_array_equal(read(tmp_path, padded), read(tmp_path, data))
    with pytest.raises(Unreadable, match="extraneous"):
        read(tmp_path, data[:-2] + bytes(range(1, 40)) + data[-2:])


def test_a_damaged_comment_is_no_damage_to_the_picture(tmp_path):
    data = TEXTURED["png"]
    comment = struct.pack(">I", 4) + b"tEXt" + b"ab\0c" + b"\0\0\0\0"  # not its checksum
    np.testing.assert_array_equal(read(tmp_path, data[:33] + comment + data[33:]), textured())


def codes(jpeg: bytes, table: int) -> dict[int, str]:
    """The Huffman codes of a table in a JPEG, as strings of bits, by symbol (ITU T.81, annex C)."""
    at = jpeg.index(b"\xff\xc4")
    while jpeg[at + 4] != table:
        at = jpeg.index(b"\xff\xc4", at + 1)
    found, code, symbol = {}, 0, at + 21
    for bits, count in enumerate(jpeg[at + 5 : at + 21], start=1):
        for _ in range(count):
            found[jpeg[symbol]] = f"{code:0{bits}b}"
            code, symbol = code + 1, symbol + 1
        code <<= 1
    return found


def grey_bands(coefficients_over_64: bool) -> bytes:
    """A JPEG of 64 x 64 pixels in two bands; one block may have more zeros than a block has room for."""
    jpeg = encoded(".jpg", np.full((64, 64), 128, np.uint8))
    start = jpeg.index(b"\xff\xda")
    start += 2 + struct.unpack_from(">H", jpeg, start + 2)[0]
    brightness, details = codes(jpeg, 0x00), codes(jpeg, 0x10)
    same, brighter, end = brightness[0] + details[0], brightness[8] + "1" * 8, details[0]
    zeros = details[0xF0] * 3 + details[0xF1] + "1" if coefficients_over_64 else end
    bits = same * 32 + brighter + end + brightness[0] + zeros + same * 30
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    return jpeg[:start] + scan.replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def test_a_block_with_too_many_coefficients_is_damage_although_libjpeg_is_silent(tmp_path):
    bands = read(tmp_path, grey_bands(coefficients_over_64=False))
    assert np.ptp(bands[:32]) == np.ptp(bands[32:]) == 0
    assert bands[40, 0, 0] > bands[20, 0, 0] + 20
    with decoder_messages.heard() as messages:
        assert cv2.imdecode(np.frombuffer(grey_bands(True), np.uint8), cv2.IMREAD_COLOR) is not None
    assert messages.lines == []
    with pytest.raises(Unreadable, match="damaged"):
        read(tmp_path, grey_bands(coefficients_over_64=True))


def test_a_jpeg_of_thousands_of_scans_is_refused_undecoded(tmp_path, monkeypatch):
    data = TEXTURED["progressive.jpg"]
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 2000 + data[-2:]
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(Unreadable, match="scans are over the limit"):
        read(tmp_path, bomb)


def animated_png(frames: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    still = TEXTURED["png"]
    size = struct.unpack_from(">II", still, 16)
    control = b"".join(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", n, *size, 0, 0, 1, 10, 0, 0))
        for n in range(frames)
    )
    counted = chunk(b"acTL", struct.pack(">II", frames, 0))
    return still[:33] + counted + control[:38] + still[33:-12] + control[38:] + still[-12:]


def test_the_frames_of_an_animation_are_counted_and_the_first_is_used(tmp_path):
    picture_of_three, still = tmp_path / "three.png", tmp_path / "one.png"
    picture_of_three.write_bytes(animated_png(3))
    still.write_bytes(TEXTURED["png"])
    assert read_photograph(picture_of_three).frames == 3
    np.testing.assert_array_equal(read_photograph(picture_of_three).image, textured())
    assert read_photograph(still).frames == 1


def test_the_frames_of_an_animated_webp_are_counted(tmp_path):
    animation = cv2.Animation()
    animation.frames = [np.full((96, 128, 3), 80 * n, np.uint8) for n in range(3)]
    animation.durations = [100] * 3
    path = tmp_path / "animated.webp"
    cv2.imwriteanimation(str(path), animation)
    assert read_photograph(path).frames == 3


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
