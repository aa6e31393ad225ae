"""The frames that crops were taken from: found by their video, or not shown."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.source_frames import SourceFrames
from tests.in_memory import build_dataset

FACES = build_dataset([("real", "still", 0, 1), ("swap", "clip", 1, 2), ("real", "gone", 0, 1)])


@pytest.fixture
def frames(tmp_path: Path) -> SourceFrames:
    """A photograph and a clip whose frames grow brighter."""
    cv2.imwrite(str(tmp_path / "still.png"), np.full((32, 48, 3), (10, 20, 30), np.uint8))
    clip = cv2.VideoWriter(
        str(tmp_path / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 64)
    )
    for n in range(4):
        clip.write(np.full((64, 64, 3), 60 * n, np.uint8))
    clip.release()
    files = [
        SourceFile(tmp_path / "still.png", "still.png", 0, "real", "a", "still"),
        SourceFile(tmp_path / "clip.mp4", "clip.mp4", 1, "swap", "b", "clip"),
        SourceFile(tmp_path / "gone.png", "gone.png", 0, "real", "c", "gone"),
    ]
    return SourceFrames(Listing(files, [], ""))


def test_a_photograph_is_its_own_frame_in_rgb(frames: SourceFrames) -> None:
    found = frames.of(FACES, 0)
    assert found is not None
    assert (found.shape, found[0, 0].tolist()) == ((32, 48, 3), [30, 20, 10])


def test_of_a_clip_it_is_the_frame_of_that_number(frames: SourceFrames) -> None:
    for row, number in ((1, 0), (2, 1)):
        found = frames.of(FACES, row)
        assert found is not None
        assert abs(float(found.mean()) - 60 * number) < 12


def test_what_is_gone_or_was_never_there_is_no_frame(frames: SourceFrames) -> None:
    assert frames.of(FACES, 3) is None
    assert SourceFrames(Listing([], [], "")).of(FACES, 0) is None
