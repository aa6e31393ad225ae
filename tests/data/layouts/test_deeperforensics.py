"""The layout of DeeperForensics-1.0: fakes by folder, official lists, and reals that are not its own."""

import os
import shutil

import pytest

from jaxfake import schema
from jaxfake.data.layouts.deeperforensics import VARIANTS, list_deeperforensics
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError

LISTS = {
    "train": ["000_M101.mp4", "001_W006.mp4"],
    "val": ["980_W010.mp4"],
    "test": ["103_W018.mp4"],
}
REALS = "original_sequences/youtube/c23/videos"


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@pytest.fixture
def tree(tmp_path):
    """Files of the official shape; their content is of no interest to the listing."""
    root = tmp_path / "DeeperForensics-1.0"
    names = [name for split in LISTS.values() for name in split]
    touch(
        root,
        *(f"manipulated_videos/end_to_end/{name}" for name in names),
        "manipulated_videos/end_to_end_level_3/103_W018.mp4",
        "manipulated_videos/reenact_postprocess/103_W018.mp4",
        "source_videos/W018/BlendShape/camera_front/W018_BlendShape_camera_front.mp4",
    )
    splits = root / "lists" / "splits"
    splits.mkdir(parents=True)
    for split, listed in LISTS.items():
        (splits / f"{split}.txt").write_text("\n".join(listed) + "\n")
    return root


def test_each_fake_has_its_split_and_target(tree):
    listing = list_deeperforensics(tree)
    assert [
        (file.method, file.video_id, file.label, file.split, file.identity)
        for file in listing.files
    ] == [
        ("end_to_end", "000_M101", schema.FAKE, "train", "000"),
        ("end_to_end", "001_W006", schema.FAKE, "train", "001"),
        ("end_to_end", "103_W018", schema.FAKE, "test", "103"),
        ("end_to_end", "980_W010", schema.FAKE, "val", "980"),
    ]
    assert listing.refused == []
    assert {(file.mask, file.original) for file in listing.files} == {(None, None)}


def test_it_has_no_reals_of_its_own(tree):
    listing = list_deeperforensics(tree)
    assert "without originals" in listing.label
    assert listing.official == {
        "train": {"end_to_end": 703},
        "val": {"end_to_end": 96},
        "test": {"end_to_end": 201},
    }


def test_originals_that_were_put_there_go_where_their_fakes_go(tree):
    touch(tree, f"{REALS}/103.mp4", f"{REALS}/980.mp4")
    listing = list_deeperforensics(tree)
    files = {(file.method, file.video_id): file for file in listing.files}
    real = files["real", "103"]
    assert (real.label, real.split, real.identity) == (schema.REAL, "test", "103")
    assert files["real", "980"].split == "val"
    assert files["end_to_end", "103_W018"].original == real.path
    assert files["end_to_end", "000_M101"].original is None
    assert "with originals" in listing.label
    assert listing.official["test"] == {"real": 201, "end_to_end": 201}
    relatives = [file.relative for file in listing.files]
    assert relatives == sorted(relatives)


def test_other_folders_are_methods_of_their_own_on_request(tree):
    touch(tree, f"{REALS}/103.mp4")
    wanted = ["end_to_end_level_3", "reenact_postprocess"]
    listing = list_deeperforensics(tree, variants=wanted)
    files = {file.method: file for file in listing.files}
    assert set(files) == {*wanted, "real"}
    assert {file.split for file in listing.files} == {"test"}
    assert files["end_to_end_level_3"].original is None  # distorted: it differs everywhere
    assert files["reenact_postprocess"].original == files["real"].path
    assert listing.official["val"] == {"real": 96, **dict.fromkeys(wanted, 96)}
    assert all(method in listing.label for method in wanted)


def test_there_are_eleven_folders():
    assert len(set(VARIANTS)) == 11


@pytest.mark.parametrize("variant", ["end_to_end_level_5", "source_videos", "../lists"])
def test_a_folder_that_is_not_there_or_no_variant_is_an_error(tree, variant):
    with pytest.raises(InputError, match="expected:") as caught:
        list_deeperforensics(tree, variants=[variant])
    assert variant in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "manipulated_videos/end_to_end/000_W006.mp4",
        "manipulated_videos/end_to_end/555_M101.mp4",
        "manipulated_videos/end_to_end/000_001.mp4",
        "manipulated_videos/end_to_end/000.mp4",
        f"{REALS}/555.mp4",
        f"{REALS}/000_M101.mp4",
    ],
)
def test_what_is_in_no_list_is_refused_by_name(tree, name):
    touch(tree, name)
    (refused,) = list_deeperforensics(tree).refused
    assert refused.relative == name


def test_links_that_leave_the_folder_are_not_followed(tree, tmp_path):
    touch(tmp_path, "ffpp/103.mp4")
    touch(tree, f"{REALS}/980.mp4")
    os.symlink(tmp_path / "ffpp/103.mp4", tree / REALS / "103.mp4")
    listing = list_source("deeperforensics", tree, DEFAULT_OPTIONS)
    assert [refused.relative for refused in listing.refused] == [f"{REALS}/103.mp4"]
    files = {(file.method, file.video_id): file for file in listing.files}
    assert files["end_to_end", "103_W018"].original is None
    assert files["end_to_end", "980_W010"].original is not None


def test_the_lists_may_lie_elsewhere(tree, tmp_path):
    (tree / "lists" / "splits").rename(tmp_path / "splits")
    with pytest.raises(InputError, match="--protocol"):
        list_deeperforensics(tree)
    assert len(list_deeperforensics(tree, tmp_path / "splits").files) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("103_W018.mp4\n000_M101.mp4\n", "name 000 twice"),
        ("103_W018.mp4\n000_W006.mp4\n", "name 000 twice"),
        ("103.mp4\n", "should hold names such as 004_M101.mp4, not '103.mp4'"),
        ("end_to_end/103_W018.mp4\n", "should hold names such as"),
    ],
)
def test_lists_that_cannot_be_the_official_ones(tree, text, message):
    (tree / "lists/splits/test.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        list_deeperforensics(tree)


def test_without_the_layout_it_is_said_what_was_expected(tree):
    shutil.rmtree(tree / "manipulated_videos")
    with pytest.raises(InputError, match="expected: manipulated_videos/end_to_end/"):
        list_deeperforensics(tree)


def test_originals_alone_are_no_such_dataset(tree):
    touch(tree, f"{REALS}/103.mp4")
    for path in (tree / "manipulated_videos/end_to_end").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="holds no video of DeeperForensics"):
        list_deeperforensics(tree)
