"""The layout of Celeb-DF: the list says 1 for real, its counts tell the version, and other traps."""

import os
import shutil
from collections import Counter

import pytest

from jaxfake import schema
from jaxfake.data.layouts.celebdf import LIST, list_celebdf
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError

V1 = {"Celeb-real": 8, "YouTube-real": 30, "Celeb-synthesis": 62}
V2 = {"Celeb-real": 108, "YouTube-real": 70, "Celeb-synthesis": 340}


def lines_of(counts):
    """As many lines as an official list has."""
    names = {
        "Celeb-real": "1 Celeb-real/id{:d}_0000.mp4",
        "YouTube-real": "1 YouTube-real/{:05d}.mp4",
        "Celeb-synthesis": "0 Celeb-synthesis/id{:d}_id900_0000.mp4",
    }
    return [names[folder].format(at) for folder, count in counts.items() for at in range(count)]


def rewrite(root, change):
    """Changes the lines of the list."""
    path = root / LIST
    path.write_text("\n".join(change(path.read_text().splitlines())))


@pytest.fixture
def tree(tmp_path):
    """A few of the listed and of the other files; their content is of no interest to the listing."""
    root = tmp_path / "Celeb-DF-v2"
    for name in (
        "Celeb-real/id0_0000.mp4",
        "Celeb-real/id0_0007.mp4",
        "YouTube-real/00003.mp4",
        "YouTube-real/00290.mp4",
        "Celeb-synthesis/id0_id900_0000.mp4",
        "Celeb-synthesis/id0_id16_0007.mp4",
        "Celeb-synthesis/id1_id900_0000.mp4",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    (root / LIST).write_text("\n".join(lines_of(V2)) + "\n")
    return root


def test_each_video_has_its_label_split_and_target(tree):
    listing = list_celebdf(tree)
    assert {
        file.relative: (file.label, file.method, file.split, file.identity)
        for file in listing.files
    } == {
        "Celeb-real/id0_0000.mp4": (schema.REAL, "real", "test", "id0"),
        "Celeb-real/id0_0007.mp4": (schema.REAL, "real", "train", "id0"),
        "YouTube-real/00003.mp4": (schema.REAL, "real", "test", "00003"),
        "YouTube-real/00290.mp4": (schema.REAL, "real", "train", "00290"),
        "Celeb-synthesis/id0_id900_0000.mp4": (schema.FAKE, "Celeb-synthesis", "test", "id0"),
        "Celeb-synthesis/id0_id16_0007.mp4": (schema.FAKE, "Celeb-synthesis", "train", "id0"),
        "Celeb-synthesis/id1_id900_0000.mp4": (schema.FAKE, "Celeb-synthesis", "test", "id1"),
    }
    relatives = [file.relative for file in listing.files]
    assert relatives == sorted(relatives)
    assert listing.refused == []


def test_videos_are_told_apart_by_method_and_id(tree):
    keys = Counter((file.method, file.video_id) for file in list_celebdf(tree).files)
    assert set(keys.values()) == {1}


def test_the_original_is_the_targets_video_of_the_same_number(tree):
    files = {file.relative: file for file in list_celebdf(tree).files}
    fake = files["Celeb-synthesis/id0_id16_0007.mp4"]
    assert fake.original == files["Celeb-real/id0_0007.mp4"].path
    assert files["Celeb-synthesis/id1_id900_0000.mp4"].original is None
    assert files["Celeb-real/id0_0007.mp4"].original is None
    assert {file.mask for file in files.values()} == {None}


@pytest.mark.parametrize(
    ("counts", "version", "real", "fake"),
    [(V1, "v1", (408 - 38, 38), (795 - 62, 62)), (V2, "v2", (890 - 178, 178), (5639 - 340, 340))],
)
def test_the_counts_of_the_list_tell_the_version(tree, counts, version, real, fake):
    (tree / LIST).write_text("\r\n".join(lines_of(counts)))
    listing = list_celebdf(tree)
    assert version in listing.label
    assert listing.official == {
        "train": {"real": real[0], "Celeb-synthesis": fake[0]},
        "test": {"real": real[1], "Celeb-synthesis": fake[1]},
    }


def test_youtube_leaves_the_test_only_on_request_and_by_name(tree):
    everything = list_celebdf(tree)
    dropped = list_celebdf(tree, drop_youtube=True)
    assert "with YouTube-real" in everything.label
    assert "without YouTube-real" in dropped.label
    assert [refused.relative for refused in dropped.refused] == ["YouTube-real/00003.mp4"]
    assert dropped.official["test"] == {"real": 108, "Celeb-synthesis": 340}
    assert dropped.official["train"] == everything.official["train"]
    kept = [file for file in everything.files if file.relative != "YouTube-real/00003.mp4"]
    assert dropped.files == kept


@pytest.mark.parametrize(
    "line", ["1 Celeb-synthesis/id0_id900_0000.mp4", "0 Celeb-real/id0_0000.mp4"]
)
def test_a_list_with_labels_the_other_way_round_is_an_error_that_names_the_line(tree, line):
    rewrite(tree, lambda lines: [line, *lines[1:]])
    with pytest.raises(InputError, match="1 is real and 0 is fake") as caught:
        list_celebdf(tree)
    assert line in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [line for line in lines if "YouTube" not in line],
        lambda lines: lines[:-1],
        lambda lines: [lines[0], *lines[:-1]],
        lambda lines: [],
    ],
)
def test_a_list_of_other_counts_is_not_the_official_one(tree, change):
    rewrite(tree, change)
    with pytest.raises(InputError, match="get it again"):
        list_celebdf(tree)


@pytest.mark.parametrize(
    "line",
    [
        "Celeb-real/id0_0000.mp4",
        "2 Celeb-real/id0_0000.mp4",
        "1 Celeb-real/../id0_0000.mp4",
        "1 Other/id0_0000.mp4",
        "1 Celeb-real/id0_id1_0000.mp4",
    ],
)
def test_a_line_of_another_form_is_shown(tree, line):
    rewrite(tree, lambda lines: [line, *lines])
    with pytest.raises(InputError, match="should hold lines such as") as caught:
        list_celebdf(tree)
    assert line in str(caught.value)


def test_the_list_may_lie_elsewhere(tree, tmp_path):
    (tree / LIST).rename(tmp_path / LIST)
    with pytest.raises(InputError, match="--protocol"):
        list_celebdf(tree)
    assert len(list_celebdf(tree, tmp_path).files) == 7


@pytest.mark.parametrize(
    "name",
    [
        "Celeb-real/id0.mp4",
        "Celeb-real/id0_id1_0000.mp4",
        "Celeb-synthesis/id0_0000.mp4",
        "YouTube-real/id0_0000.mp4",
        "YouTube-real/0003.mp4",
    ],
)
def test_a_video_of_another_name_is_refused(tree, name):
    (tree / name).write_bytes(b"")
    (refused,) = list_celebdf(tree).refused
    assert refused.relative == name


def test_links_that_leave_the_folder_are_not_followed(tree, tmp_path):
    (tmp_path / "elsewhere.mp4").write_bytes(b"")
    os.symlink(tmp_path / "elsewhere.mp4", tree / "Celeb-real" / "id1_0000.mp4")
    listing = list_source("celebdf", tree, DEFAULT_OPTIONS)
    assert [refused.relative for refused in listing.refused] == ["Celeb-real/id1_0000.mp4"]
    files = {file.relative: file for file in listing.files}
    assert files["Celeb-synthesis/id1_id900_0000.mp4"].original is None


@pytest.mark.parametrize("folder", ["Celeb-real", "YouTube-real", "Celeb-synthesis"])
def test_without_the_layout_it_is_said_what_was_expected(tree, folder):
    shutil.rmtree(tree / folder)
    with pytest.raises(InputError, match="is not a copy of Celeb-DF; expected: Celeb-real/"):
        list_celebdf(tree)


def test_empty_folders_are_an_error(tree):
    for path in tree.rglob("*.mp4"):
        path.unlink()
    with pytest.raises(InputError, match="holds no video of Celeb-DF"):
        list_celebdf(tree)
