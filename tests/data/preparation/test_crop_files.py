"""Crop files on disk."""

import hashlib
import io
import os
import zipfile

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
        content=f"digest of {crops}",
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


@pytest.mark.parametrize("keep", [0, 1, 63, 64, 65, 600, -1])
def test_a_shortened_crop_file_counts_as_missing(tmp_path, keep):
    path = tmp_path / "a.npz"
    crop_files.save(path, encoded(3))
    path.write_bytes(path.read_bytes()[:keep])
    assert crop_files.load_status(path) is None
    assert crop_files.load_status(tmp_path / "missing.npz") is None


def test_a_crop_file_with_one_bit_wrong_anywhere_counts_as_missing(tmp_path):
    path = tmp_path / "a.npz"
    crop_files.save(path, encoded(3))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for bit in rng.choice(8 * len(whole), 200, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert crop_files.load_status(path) is None, bit
        with pytest.raises(crop_files.DamagedCropFile):
            crop_files.load(path)
    path.write_bytes(whole)
    assert crop_files.load_status(path) == encoded(3).status


def test_a_crop_file_that_claims_more_than_it_holds_is_not_unpacked(tmp_path):
    path = tmp_path / "a.npz"
    packed = io.BytesIO()
    np.savez_compressed(packed, counts=np.zeros(1 << 20, np.int64))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.comment = bytes(64)
    unsealed = packed.getvalue()[:-64]
    path.write_bytes(unsealed + hashlib.sha256(unsealed).hexdigest().encode())
    with pytest.raises(crop_files.DamagedCropFile, match="compressed"):
        crop_files.load(path)


def test_what_is_not_a_file_counts_as_missing(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "folder.npz").mkdir()
    for name in ("pipe.npz", "folder.npz"):
        assert crop_files.load_status(tmp_path / name) is None


def test_a_crop_file_is_an_ordinary_archive(tmp_path):
    path = tmp_path / "a.npz"
    crop_files.save(path, encoded(2))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
