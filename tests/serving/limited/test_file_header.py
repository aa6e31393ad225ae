"""What the header of a file says against it."""

import cv2
import numpy as np
import pytest

from jaxfake.serving.limited.file_header import refusal_by_header


@pytest.fixture
def video(tmp_path):
    """30 frames of 64 x 48 pixels, 10 a second."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(30):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    return path.rename(tmp_path / "upload")


def test_a_video_is_refused_by_what_it_claims_of_length_and_size(video):
    assert refusal_by_header(video, 1, 64 * 48, 3.0) == ""
    assert "lasts 0.1 minutes, and 0.04 are the most" in refusal_by_header(video, 1, 64 * 48, 2.4)
    assert "64 x 48 pixels are over the limit" in refusal_by_header(video, 1, 64 * 48 - 1, 3.0)


def test_a_picture_is_refused_by_its_own_limit(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(cv2.imencode(".png", np.zeros((4, 5, 3), np.uint8))[1].tobytes())
    assert refusal_by_header(path, 20, 1, 1.0) == ""
    assert "5 x 4 pixels are over the limit" in refusal_by_header(path, 19, 1, 1.0)
