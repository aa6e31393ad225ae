"""The layout of DeepFakeDetection: all of it is test, the target is who was filmed."""

import os
import shutil

import pytest

from jaxfake import schema
from jaxfake.data.layouts.dfd import list_dfd
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError

REALS = "original_sequences/actors/c23/videos"
FAKES = "manipulated_sequences/DeepFakeDetection/c23/videos"
MASKS = "manipulated_sequences/DeepFakeDetection/masks/videos"


@pytest.fixture
def tree(tmp_path):
    """Files of the official shape, beside what else FaceForensics++ has there."""
    root = tmp_path / "ffpp"
    for name in (
        f"{REALS}/01__kitchen_pan.mp4",
        f"{REALS}/02__exit_phone_room.mp4",
        f"{FAKES}/01_02__kitchen_pan__YVGY8LOK.mp4",
        f"{FAKES}/28_03__walking_and_outside_surprised__0XUW13RW.mp4",
        f"{MASKS}/01_02__kitchen_pan__YVGY8LOK.mp4",
        "original_sequences/youtube/c23/videos/004.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/004_982.mp4",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_each_video_has_its_label_and_its_actor_and_all_are_test(tree):
    listing = list_dfd(tree)
    assert [
        (file.method, file.video_id, file.label, file.identity, file.split)
        for file in listing.files
    ] == [
        ("DeepFakeDetection", "01_02__kitchen_pan__YVGY8LOK", schema.FAKE, "01", "test"),
        (
            "DeepFakeDetection",
            "28_03__walking_and_outside_surprised__0XUW13RW",
            schema.FAKE,
            "28",
            "test",
        ),
        ("real", "01__kitchen_pan", schema.REAL, "01", "test"),
        ("real", "02__exit_phone_room", schema.REAL, "02", "test"),
    ]
    assert listing.refused == []
    assert listing.official == {"test": {"real": 363, "DeepFakeDetection": 3068}}


def test_files_are_in_the_order_of_their_relative_paths(tree):
    relatives = [file.relative for file in list_dfd(tree).files]
    assert relatives == sorted(relatives)
    assert all((tree / relative).is_file() for relative in relatives)


def test_masks_are_of_the_same_name_and_no_original_is_claimed(tree):
    files = {file.video_id: file for file in list_dfd(tree).files}
    fake = files["01_02__kitchen_pan__YVGY8LOK"]
    assert fake.mask == tree / MASKS / "01_02__kitchen_pan__YVGY8LOK.mp4"
    assert files["28_03__walking_and_outside_surprised__0XUW13RW"].mask is None
    assert files["01__kitchen_pan"].mask is None
    assert {file.original for file in files.values()} == {None}


@pytest.mark.parametrize(
    "name",
    [
        f"{FAKES}/01_02__kitchen_pan.mp4",
        f"{FAKES}/01__kitchen_pan.mp4",
        f"{FAKES}/004_982.mp4",
        f"{FAKES}/01_02__kitchen_pan__YVGY8LOK (1).mp4",
        f"{REALS}/01_02__kitchen_pan__YVGY8LOK.mp4",
        f"{REALS}/004.mp4",
    ],
)
def test_a_video_of_another_name_is_refused(tree, name):
    (tree / name).write_bytes(b"")
    (refused,) = list_dfd(tree).refused
    assert refused.relative == name


def test_links_that_leave_the_folder_are_not_followed(tree, tmp_path):
    (tmp_path / "elsewhere.mp4").write_bytes(b"")
    os.symlink(tmp_path / "elsewhere.mp4", tree / REALS / "03__kitchen_pan.mp4")
    mask = tree / MASKS / "28_03__walking_and_outside_surprised__0XUW13RW.mp4"
    os.symlink(tmp_path / "elsewhere.mp4", mask)
    listing = list_source("dfd", tree, DEFAULT_OPTIONS)
    assert [refused.relative for refused in listing.refused] == [
        mask.relative_to(tree).as_posix(),
        f"{REALS}/03__kitchen_pan.mp4",
    ]
    assert sum(file.mask is not None for file in listing.files) == 1


def test_one_compression_is_taken_that_both_sides_have(tree):
    (tree / FAKES).rename((tree / FAKES).parent.with_name("aside"))
    with pytest.raises(InputError, match="expected: original_sequences/actors"):
        list_dfd(tree)
    for folder in (REALS, FAKES):
        raw = tree / folder.replace("c23", "raw")
        raw.mkdir(parents=True)
    (tree / REALS.replace("c23", "raw") / "05__kitchen_pan.mp4").write_bytes(b"")
    listing = list_dfd(tree)
    assert [file.identity for file in listing.files] == ["05"]
    assert "raw" in listing.label


@pytest.mark.parametrize("folder", [REALS, FAKES, "original_sequences"])
def test_without_the_layout_it_is_said_what_was_expected(tree, folder):
    shutil.rmtree(tree / folder)
    with pytest.raises(InputError, match="is not a copy of DeepFakeDetection; expected:"):
        list_dfd(tree)


def test_empty_folders_are_an_error(tree):
    for path in tree.rglob("*.mp4"):
        path.unlink()
    with pytest.raises(InputError, match="holds no video of DeepFakeDetection"):
        list_dfd(tree)


def test_there_is_no_protocol_to_give(tree):
    with pytest.raises(InputError, match="no official splits"):
        list_dfd(tree, tree)
