"""A clip takes the memory of a few of its frames, however many it has: a 4K frame is 24 MiB."""

import multiprocessing
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.cropping import CropOptions, Cropper, CropTask
from jaxfake.faces.model_files import FaceModels

WIDTH, HEIGHT = 3840, 2160
FRAME = 3 * WIDTH * HEIGHT >> 20
"""MiB of one."""


@pytest.fixture
def clip(tmp_path, shared_data):
    """Makes a 4K clip of a face that moves."""
    photo = cv2.imread(str(shared_data / "photos" / "ffhq" / "0000.jpg"))
    still = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    still[540:1620, 1380:2460] = cv2.resize(photo, (1080, 1080))

    def made(frames: int) -> Path:
        path = tmp_path / f"{frames}.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (WIDTH, HEIGHT))
        for n in range(frames):
            writer.write(np.roll(still, 4 * n, axis=1))
        writer.release()
        return path

    return made


def measure(clip: Path, models: FaceModels, crops: Path, peak: Path) -> None:
    """Prepares the clip with its original beside it, and writes the most MiB that this process had.

    Of the process's own memory: ru_maxrss would begin at that of the process that started this one.
    """
    source = SourceFile(clip, clip.name, schema.FAKE, "Swap", "a", "a", original=clip)
    Cropper(models, CropOptions(64, 1000, "png", derive=0.1))(CropTask(source, str(crops)))
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    peak.write_text(str(int(kilobytes) >> 10))


def peak_of(clip: Path, models: FaceModels) -> int:
    crops, peak = clip.with_suffix(".npz"), clip.with_suffix(".txt")
    arguments = (clip, models, crops, peak)
    process = multiprocessing.get_context("spawn").Process(target=measure, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert crop_files.load_status(crops).crops == int(clip.stem)
    return int(peak.read_text())


def test_three_times_the_frames_take_no_more_memory(clip, face_models):
    few, many = peak_of(clip(6), face_models), peak_of(clip(18), face_models)
    assert few > FRAME  # it has measured what it should
    assert many - few < 3 * FRAME
