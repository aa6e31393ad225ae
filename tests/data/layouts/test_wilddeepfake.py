"""The layout of WildDeepfake: sequences of crops, archives, and classes that contradict themselves."""

import pytest

from jaxfake import schema
from jaxfake.data.layouts import packed_archives
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.layouts.safe_paths import LEAVES
from jaxfake.data.layouts.wilddeepfake import list_wilddeepfake
from jaxfake.data.preparation import coverage
from jaxfake.data.preparation.coverage import CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.runtime.errors import InputError


def filled(root, *relatives):
    for relative in relatives:
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.fixture
def tree(tmp_path):
    """Five sequences, with the archive of one video left beside it."""
    root = tmp_path / "deepfake_in_the_wild"
    filled(
        root,
        "fake_train/1.tar.gz",
        "fake_train/1/fake/1064/0.png",
        "fake_train/1/fake/1064/1.png",
        "fake_train/1/fake/1065/0.png",
        "real_train/1/real/7/0.png",
        "real_test/1/real/7/10.png",
        "fake_test/3/fake/9/0.png",
        "fake_test/.DS_Store",
    )
    return root


def refusals(listing):
    return {item.relative: item.reason for item in [*listing.refused, *listing.missing]}


def test_a_folder_of_frames_is_one_file(tree):
    listing = list_wilddeepfake(tree, None)
    assert [
        (f.relative, f.label, f.method, f.split, f.identity, f.video_id) for f in listing.files
    ] == [
        ("fake_test/3/fake/9", 1, "wilddeepfake", "test", "fake_test/3", "test/3/9"),
        ("fake_train/1/fake/1064", 1, "wilddeepfake", "train", "fake_train/1", "train/1/1064"),
        ("fake_train/1/fake/1065", 1, "wilddeepfake", "train", "fake_train/1", "train/1/1065"),
        ("real_test/1/real/7", 0, "real", "test", "real_test/1", "test/1/7"),
        ("real_train/1/real/7", 0, "real", "train", "real_train/1", "train/1/7"),
    ]
    assert all(file.path == tree / file.relative for file in listing.files)
    assert (listing.refused, dict(listing.official)) == ([], {})


def test_ids_are_unique_within_a_method(tree):
    files = list_wilddeepfake(tree, None).files
    assert len({(file.method, file.video_id) for file in files}) == len(files)
    assert {file.label for file in files if file.method == "real"} == {schema.REAL}


def test_what_does_not_fit_is_named(tree, tmp_path):
    filled(tree, "fake_train/2.tar.gz", "fake_train/1/1066/0.png", "fake_train/1/fake/stray.png")
    (tree / "fake_test/3/fake/10").mkdir()
    filled(tmp_path, "outside/0.png")
    (tree / "fake_test/3/fake/11").symlink_to(tmp_path / "outside")
    filled(tree, "fake_test/3/fake/12/0.png")
    (tree / "fake_test/3/fake/12/1.png").symlink_to(tmp_path / "outside/0.png")
    listing = list_source("wilddeepfake", tree, DEFAULT_OPTIONS)
    assert len(listing.files) == 5
    assert refusals(listing) == {
        "fake_train/1.tar.gz": packed_archives.CUT_SHORT,
        "fake_train/2.tar.gz": "it is not unpacked",
        "fake_train/1/1066": "a folder fake is expected here",
        "fake_train/1/fake/stray.png": "a folder of pictures is expected here",
        "fake_test/3/fake/10": "it holds no picture",
        "fake_test/3/fake/11": LEAVES,
        "fake_test/3/fake/12/1.png": LEAVES,
    }


def test_a_folder_of_archives_alone_is_named(tree):
    (tree / "real_test").rename(tree / "elsewhere")
    filled(tree, "real_test/0.tar.gz")
    with pytest.raises(InputError, match=r"real_test holds only archives: unpack .*0\.tar\.gz"):
        list_wilddeepfake(tree, None)


def test_a_class_that_contradicts_its_folder_is_named(tree):
    filled(tree, "real_train/4/fake/8/0.png")
    with pytest.raises(InputError, match=r"real_train/4/fake contradicts itself"):
        list_wilddeepfake(tree, None)


def test_a_wrong_root_says_what_was_expected(tree):
    with pytest.raises(InputError, match="expected: real_train/, fake_train/"):
        list_wilddeepfake(tree.parent, None)
    with pytest.raises(InputError, match="leave it out"):
        list_wilddeepfake(tree, tree)


def test_what_is_no_picture_in_a_sequence_is_named(tree):
    filled(tree, "fake_train/1/fake/1064/video.mp4", "fake_train/notes.txt")
    listing = list_wilddeepfake(tree, None)
    assert len(listing.files) == 5
    assert refusals(listing) == {
        "fake_train/1/fake/1064/video.mp4": "it is not a picture",
        "fake_train/notes.txt": "a folder of an unpacked archive is expected here",
    }


def test_one_bad_picture_of_a_sequence_is_counted(tree):
    """A container rounds its length up, a folder does not."""
    listing = list_wilddeepfake(tree, None)
    rows = [CoverageRow(file, file.split, CropStatus(3, 2, 2, 0, 9, "")) for file in listing.files]
    said = coverage.summarise("wilddeepfake", {}, {}, "", listing, rows).files
    assert {entry["status"] for entry in said} == {"cut short: 2 of 3 frames decode"}
    assert len(said) == 5
