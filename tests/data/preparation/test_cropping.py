"""Clips of more than one person: who is cut out, and what is done where the face is missed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.cropping import CropOptions, Cropper, CropTask
from jaxfake.faces import align
from jaxfake.faces.images import read_image

FRAMES = 8
HIDDEN = 4
"""The frame in which the person on the left cannot be seen."""


def write(path: Path, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (width, height))
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


@pytest.fixture(scope="module")
def two_people(tmp_path_factory, shared_data):
    """One person on the left who comes nearer, one on the right who goes away; and a mask of each."""
    folder = tmp_path_factory.mktemp("two")
    photos = [read_image(shared_data / "photos" / "ffhq" / f"{n}.jpg") for n in ("0000", "0013")]
    frames, masks = [], {"left": [], "right": []}
    for n in range(FRAMES):
        frame = np.full((360, 720, 3), 90, np.uint8)
        for photo, start, side in zip(photos, (0, 360), (250 + 12 * n, 320 - 12 * n), strict=True):
            small = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
            if start or n != HIDDEN:
                frame[:side, start : start + side] = small
        frames.append(frame)
        for name, start in (("left", 0), ("right", 360)):
            mask = np.zeros_like(frame)
            mask[60:200, start + 60 : start + 200] = 255
            masks[name].append(mask)
    clip = write(folder / "clip.mp4", frames)
    return clip, {name: write(folder / f"{name}.mp4", each) for name, each in masks.items()}


def cropped(models, clip, out, gap=30, mask=None):
    file = SourceFile(clip, clip.name, schema.FAKE, "swap", "someone", "clip", "train", mask)
    options = CropOptions(size=64, frames=FRAMES, storage="png", gap=gap, subject="mask")
    Cropper(models, options)(CropTask(file, str(out / "crops.npz")))
    return crop_files.load(out / "crops.npz")


def sides(crops):
    """Where in the frame each crop was taken."""
    centres = [
        align.apply(align.inverse(matrix.astype(np.float64)), np.array([[32.0, 32.0]]))[0, 0]
        for matrix in crops.matrices
    ]
    return ["left" if x < 360 else "right" for x in centres]


def test_one_person_is_followed_though_another_is_larger_for_a_while(
    two_people, face_models, tmp_path
):
    clip, _ = two_people
    crops = cropped(face_models, clip, tmp_path)
    assert len(set(sides(crops))) == 1
    assert crops.frames.tolist() == list(range(FRAMES))
    assert crops.masks == [b""] * FRAMES


@pytest.mark.parametrize("who", ["left", "right"])
def test_the_person_under_the_mask_is_the_subject_on_request(
    two_people, face_models, tmp_path, who
):
    clip, masks = two_people
    crops = cropped(face_models, clip, tmp_path, mask=masks[who])
    assert set(sides(crops)) == {who}
    assert all(crops.masks)
    assert crops.filled == (1 if who == "left" else 0)
    assert crops.frames.tolist() == list(range(FRAMES))


def test_a_longer_gap_is_left_out_and_counted(two_people, face_models, tmp_path):
    clip, masks = two_people
    crops = cropped(face_models, clip, tmp_path, gap=1, mask=masks["left"])
    assert crops.frames.tolist() == [n for n in range(FRAMES) if n != HIDDEN]
    assert (crops.status.crops, crops.status.decoded, crops.status.filled) == (
        FRAMES - 1,
        FRAMES,
        0,
    )


def test_a_filled_crop_lies_between_its_neighbours(two_people, face_models, tmp_path):
    clip, masks = two_people
    crops = cropped(face_models, clip, tmp_path, mask=masks["left"])
    scales = np.hypot(crops.matrices[:, 0, 0], crops.matrices[:, 1, 0])
    low, high = sorted((scales[HIDDEN - 1], scales[HIDDEN + 1]))
    assert low <= scales[HIDDEN] <= high
