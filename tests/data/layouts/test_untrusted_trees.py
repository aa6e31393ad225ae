"""Pipes, folders and links where a dataset has videos: nothing of them is opened."""

import os

import pytest

from jaxfake.data.layouts.listing import content_digest
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from tests.data.layouts.trees import TREES


@pytest.mark.parametrize(
    ("dataset", "place"),
    [
        ("ffpp", "original_sequences/youtube/c23/videos/071.mp4"),
        ("dfd", "original_sequences/actors/c23/videos/02__kitchen_pan.mp4"),
        ("celebdf", "Celeb-real/id9_0000.mp4"),
        ("deeperforensics", "manipulated_videos/end_to_end/000_M101.mp4"),
    ],
)
def test_a_pipe_or_folder_under_the_name_of_a_video_is_not_opened(tmp_path, dataset, place):
    TREES[dataset](tmp_path)
    (tmp_path / place).unlink(missing_ok=True)
    for make, reason in (
        (os.mkfifo, "it is not a regular file"),
        (os.mkdir, "it holds no picture"),
    ):
        make(tmp_path / place)
        (refused,) = list_source(dataset, tmp_path, DEFAULT_OPTIONS).refused
        assert (refused.relative, refused.reason) == (place, reason)
        os.remove(tmp_path / place) if make is os.mkfifo else os.rmdir(tmp_path / place)


def test_masks_and_originals_of_ffpp_are_not_taken_from_elsewhere(tmp_path):
    (tmp_path / "FF").mkdir()
    TREES["ffpp"](tmp_path / "FF")
    (tmp_path / "other.mp4").write_bytes(b"")
    fakes = tmp_path / "FF/manipulated_sequences/Deepfakes"
    original = tmp_path / "FF/original_sequences/youtube/c23/videos/000.mp4"
    (fakes / "masks/videos").mkdir(parents=True)
    original.unlink()
    for link in (fakes / "masks/videos/000_003.mp4", original):
        link.symlink_to(tmp_path / "other.mp4")
    files = {
        file.video_id: file for file in list_source("ffpp", tmp_path / "FF", DEFAULT_OPTIONS).files
    }
    assert (files["000_003"].mask, files["000_003"].original) == (None, None)
    assert files["003_000"].original is not None


def test_a_pipe_among_the_frames_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "0.png")
    assert content_digest(tmp_path) == content_digest(tmp_path)
