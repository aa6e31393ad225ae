"""A folder of pictures is a clip like any other."""

import cv2
import numpy as np
import pytest

from jaxfake.faces import clip
from jaxfake.faces.media import Unreadable


@pytest.fixture
def folder(tmp_path):
    """Frames 0 to 11, each grey of brightness 20 n, and something else."""
    place = tmp_path / "clip"
    place.mkdir()
    for n in range(12):
        cv2.imwrite(str(place / f"{n}.png"), np.full((24, 32, 3), 20 * n, np.uint8))
    (place / "notes.txt").write_text("no picture")
    return place


def test_frames_come_in_the_natural_order_of_their_names(folder):
    assert len(clip.choose(folder, 99).indices) == 12
    frames = list(clip.read_numbered(folder, [0, 2, 10, 11]))
    assert [(f.number, int(f.image[0, 0, 0])) for f in frames] == [
        (0, 0),
        (2, 40),
        (10, 200),
        (11, 220),
    ]


def test_a_picture_that_cannot_be_read_is_passed_over(folder):
    (folder / "2.png").write_bytes(b"damaged")
    assert [frame.number for frame in clip.read_numbered(folder, [1, 2, 3])] == [1, 3]
    with pytest.raises(Unreadable, match=r"2\.png"):
        list(clip.read_numbered(folder, [2]))


def test_a_link_out_of_the_folder_is_no_frame(folder, tmp_path):
    cv2.imwrite(str(tmp_path / "other.png"), np.zeros((8, 8, 3), np.uint8))
    (folder / "99.png").symlink_to(tmp_path / "other.png")
    assert len(clip.choose(folder, 99).indices) == 12


def test_a_folder_without_pictures_is_unreadable(tmp_path):
    with pytest.raises(Unreadable, match="no picture"):
        clip.choose(tmp_path, 99)


def test_pictures_by_name_and_one_photograph_are_clips_too(folder):
    several = (folder / "3.png", folder / "1.png")
    assert len(clip.choose(several, 99).indices) == 2
    assert [int(f.image[0, 0, 0]) for f in clip.read_numbered(several, [0, 1])] == [60, 20]
    assert len(clip.choose(folder / "3.png", 99).indices) == 1
    assert [f.number for f in clip.read_numbered(folder / "3.png", [0])] == [0]


def test_what_a_mac_leaves_beside_a_frame_is_no_frame(folder):
    (folder / "._3.png").write_bytes(b"no picture")
    assert len(clip.choose(folder, 99).indices) == 12
