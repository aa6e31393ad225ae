"""The crops of single files, without a dataset: the same that the preparation stores."""

import shutil

import numpy as np
import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.preparation.cropping import CropOptions, FaceCrops, crops_of
from jaxfake.data.preparation.prepare import Preparation, prepare
from jaxfake.data.preparation.splits import SplitShares

SIZE = 64
ALL_TEST = SplitShares(0.0, 0.0, 1.0)


def options(storage: str) -> CropOptions:
    return CropOptions(size=SIZE, frames=4, storage=storage)


@pytest.mark.parametrize("storage", ["png", "raw"])
def test_they_equal_what_the_preparation_stores(tmp_path, shared_data, face_models, storage):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(shared_data / "photos" / "ffhq" / "0000.jpg", source / "photo.jpg")
    shutil.copy(shared_data / "real_clips" / "cropped02.mp4", source / "clip.mp4")
    wanted = Preparation(source, tmp_path / "out", options(storage), shares=ALL_TEST)
    stored = open_split(prepare(wanted).dataset, "test", SIZE)
    assert set(stored.index.video_id) == {"photo", "clip"}
    for name in ("photo.jpg", "clip.mp4"):
        crops = crops_of(source / name, options("png"), face_models)
        rows = np.flatnonzero(stored.index.video_id == name.partition(".")[0])
        examples = [stored[row] for row in rows]
        assert crops.frames.tolist() == [example.frame for example in examples]
        np.testing.assert_array_equal(crops.images, [example.image for example in examples])
        np.testing.assert_array_equal(crops.landmarks, [example.landmarks for example in examples])
        np.testing.assert_array_equal(crops.matrices, [example.matrix for example in examples])


def test_a_clip_gives_a_crop_of_each_frame(shared_data, face_models):
    crops = crops_of(shared_data / "real_clips" / "cropped02.mp4", options("raw"), face_models)
    assert crops.status.word == "ok"
    assert crops.images.shape == (4, SIZE, SIZE, 3)
    assert crops.images.dtype == np.uint8
    assert crops.landmarks.shape == (4, 68, 2)
    assert crops.matrices.shape == (4, 2, 3)
    assert sorted(set(crops.frames.tolist())) == crops.frames.tolist()


@pytest.mark.parametrize(
    ("name", "word"),
    [("no_face.png", "no_face"), ("half.jpg", "unreadable: the picture is cut short")],
)
def test_a_file_without_crops_says_why(shared_data, face_models, name, word):
    crops = crops_of(shared_data / "bad" / name, options("png"), face_models)
    assert crops.status.word == word
    assert shapes(crops) == [(0,), (0, SIZE, SIZE, 3), (0, 68, 2), (0, 2, 3)]


def shapes(crops: FaceCrops) -> list[tuple[int, ...]]:
    arrays = (crops.frames, crops.images, crops.landmarks, crops.matrices)
    return [array.shape for array in arrays]
