"""What of a file was not used is said: frames of an animation, damaged frames, damaged photographs."""

import cv2
import numpy as np
import pytest

from jaxfake.data.preparation import coverage_text
from jaxfake.data.preparation.prepare import prepare
from tests.data.preparation import stand_in
from tests.data.preparation.stand_in import picture, wanted

SIDE = 48


@pytest.fixture(autouse=True)
def no_models(monkeypatch):
    stand_in.install(monkeypatch)


def remarks(source, out) -> dict[str, dict]:
    result = prepare(wanted(source, out))
    return {entry["file"]: entry for entry in result.coverage.files}


def animated(path, first: int) -> None:
    """An animation of three frames; StandInFinder sees no face in one that is all black."""
    animation = cv2.Animation()
    animation.frames = [
        np.full((SIDE, SIDE, 3), level, np.uint8) for level in (first, first + 80, first + 160)
    ]
    animation.durations = [100] * 3
    assert cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, 101])


def test_an_animation_is_used_by_its_first_frame_and_that_is_said(tmp_path):
    source = tmp_path / "source"
    picture(source / "still.png", 1)
    animated(source / "face.webp", 50)
    animated(source / "blank.webp", 0)
    said = remarks(source, tmp_path / "out")
    assert sorted(said) == ["blank.webp", "face.webp"]
    assert said["face.webp"]["status"] == "animated: 1 of 3 frames is used"
    assert said["blank.webp"]["status"] == "no_face"
    assert said["blank.webp"]["remark"] == "animated: 1 of 3 frames is used"


def test_the_terminal_says_it_too(tmp_path):
    source = tmp_path / "source"
    picture(source / "still.png", 1)
    animated(source / "face.webp", 50)
    animated(source / "blank.webp", 0)
    result = prepare(wanted(source, tmp_path / "out"))
    assert coverage_text.remarks(result.coverage) == [
        "animated (1):",
        "  face.webp: 1 of 3 frames is used",
        "no_face (1):",
        "  blank.webp: animated: 1 of 3 frames is used",
    ]


def test_damaged_frames_are_left_out_counted_and_named(tmp_path, capfd):
    source = tmp_path / "source"
    stand_in.clip(source / "whole.mp4", 1)
    path = source / "damaged.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (SIDE, SIDE))
    for frame in np.random.default_rng(0).integers(1, 256, (60, SIDE, SIDE, 3), dtype=np.uint8):
        writer.write(frame)
    writer.release()
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(bytes(data))
    said = remarks(source, tmp_path / "out")
    assert list(said) == ["damaged.mp4"]
    assert said["damaged.mp4"]["status"].startswith("damaged: ")
    assert " of 60 frames are left out (" in said["damaged.mp4"]["status"]
    assert "@ 0x" not in capfd.readouterr().err


def test_a_damaged_photograph_is_unreadable_and_named(tmp_path, capfd):
    source = tmp_path / "source"
    picture(source / "whole.png", 1)
    noise = np.random.default_rng(0).integers(1, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    data = bytearray(cv2.imencode(".jpg", noise)[1].tobytes())
    middle = len(data) // 2
    data[middle : middle + 500] = bytes(500)
    (source / "hole.jpg").write_bytes(bytes(data))
    said = remarks(source, tmp_path / "out")
    assert list(said) == ["hole.jpg"]
    assert said["hole.jpg"]["status"].startswith("unreadable: the picture is damaged (Corrupt JPEG")
    assert "Corrupt JPEG" not in capfd.readouterr().err
