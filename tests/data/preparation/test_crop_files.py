"""Crop files on disk."""

import numpy as np
import pytest

from jaxfake.data.preparation import crop_files


def encoded(crops: int) -> crop_files.EncodedCrops:
    rng = np.random.default_rng(crops)
    return crop_files.EncodedCrops(
        expected=crops + 2,
        decoded=crops + 1,
        filled=crops // 2,
        frames=np.arange(crops, dtype=np.int32) * 3,
        landmarks=rng.normal(size=(crops, 68, 2)).astype(np.float32),
        matrices=rng.normal(size=(crops, 2, 3)).astype(np.float32),
        pictures=[bytes(rng.integers(0, 256, 10 * n, dtype=np.uint8)) for n in range(crops)],
        masks=[bytes(rng.integers(0, 256, 7 * (n % 2), dtype=np.uint8)) for n in range(crops)],
    )


@pytest.mark.parametrize(
    "stored", [encoded(0), encoded(1), encoded(5), crop_files.failed("the file is empty")]
)
def test_a_crop_file_is_read_back_as_it_was(tmp_path, stored):
    path = tmp_path / "a.npz"
    crop_files.save(path, stored)
    back = crop_files.load(path)
    assert crop_files.load_status(path) == stored.status == back.status
    np.testing.assert_array_equal(back.frames, stored.frames)
    np.testing.assert_array_equal(back.landmarks, stored.landmarks)
    np.testing.assert_array_equal(back.matrices, stored.matrices)
    assert back.matrices.shape[1:] == (2, 3)
    assert back.landmarks.shape[1:] == (68, 2)
    assert back.pictures == stored.pictures
    assert back.masks == stored.masks
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


def test_the_same_crops_are_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        crop_files.save(tmp_path / name, encoded(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_words_of_a_status_are_those_of_the_score_table():
    words = [encoded(1).status.word, encoded(0).status.word, crop_files.failed("no").status.word]
    assert words == ["ok", "no_face", "unreadable: no"]


@pytest.mark.parametrize("keep", [0, 1, 100, 600, -1])
def test_a_damaged_crop_file_counts_as_missing(tmp_path, keep):
    path = tmp_path / "a.npz"
    crop_files.save(path, encoded(3))
    path.write_bytes(path.read_bytes()[:keep])
    assert crop_files.load_status(path) is None
    assert crop_files.load_status(tmp_path / "missing.npz") is None
