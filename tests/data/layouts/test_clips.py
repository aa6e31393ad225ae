"""A video may be an .mp4 in any case or a folder of its frames, in every official layout."""

import json
import shutil

import pytest

from jaxfake.data.layouts import clips
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError
from tests.data.layouts.trees import TREES, touch

WITH_VIDEOS = sorted(set(TREES) - {"wilddeepfake", "deepfakebench"})
SCRIPT = ("ffpp", "dfd")
"""Layouts with folders called videos."""


def videos(root):
    return sorted(root.rglob("*.mp4"))


def into_frames(video, folder):
    video.unlink()
    touch(folder, "0000.png", "0001.png")


def what(listing):
    """All that a listing says of its files, apart from where they are."""
    names = lambda path: path and clips.stem(path)  # noqa: E731
    return [
        (file.label, file.method, file.identity, file.video_id, file.split, names(file.original))
        for file in listing.files
    ]


@pytest.mark.parametrize("dataset", WITH_VIDEOS)
def test_the_suffix_may_have_any_case(tmp_path, dataset):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    for n, video in enumerate(videos(tmp_path)):
        video.rename(video.with_suffix((".MP4", ".Mp4")[n % 2]))
    after = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert what(after) == what(before)
    assert [item.reason for item in (*after.refused, *after.missing)] == [
        item.reason for item in (*before.refused, *before.missing)
    ]


@pytest.mark.parametrize("dataset", WITH_VIDEOS)
def test_a_folder_of_frames_may_be_where_the_video_was(tmp_path, dataset):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    for video in videos(tmp_path):
        into_frames(video, video.with_suffix(""))
    after = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert what(after) == what(before)
    assert all(file.path.is_dir() for file in after.files)
    assert (after.refused, len(after.missing)) == (before.refused, len(before.missing))


@pytest.mark.parametrize("holder", ["images", "frames"])
@pytest.mark.parametrize("dataset", SCRIPT)
def test_frames_may_be_beside_the_videos_as_the_script_writes_them(tmp_path, dataset, holder):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    for video in videos(tmp_path):
        into_frames(video, video.parents[1] / holder / video.stem)
    for keeps_empty_folders in (True, False):
        after = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
        assert what(after) == what(before)
        if keeps_empty_folders:
            for folder in list(tmp_path.rglob("videos")):
                folder.rmdir()


@pytest.mark.parametrize("holder", clips.HOLDERS)
def test_the_folders_of_celebdf_may_have_another_level(tmp_path, holder):
    TREES["celebdf"](tmp_path)
    before = list_source("celebdf", tmp_path, DEFAULT_OPTIONS)
    for folder in ("Celeb-real", "YouTube-real", "Celeb-synthesis"):
        (tmp_path / folder).rename(tmp_path / "aside")
        (tmp_path / folder).mkdir()
        (tmp_path / "aside").rename(tmp_path / folder / holder)
    after = list_source("celebdf", tmp_path, DEFAULT_OPTIONS)
    assert what(after) == what(before)
    assert (list(after.refused), list(after.missing)) == ([], [])


def test_where_there_are_videos_the_frames_beside_them_are_not_taken(tmp_path):
    TREES["ffpp"](tmp_path)
    before = list_source("ffpp", tmp_path, DEFAULT_OPTIONS)
    for video in videos(tmp_path):
        touch(video.parents[1] / "images" / video.stem, "0000.png")
    assert list_source("ffpp", tmp_path, DEFAULT_OPTIONS) == before


@pytest.mark.parametrize("dataset", sorted(set(WITH_VIDEOS) - {"dfdc", "dfdc_preview"}))
def test_the_same_video_twice_in_a_folder_is_taken_once_and_named(tmp_path, dataset):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    one = videos(tmp_path)[0]
    touch(one.parent, f"{one.stem}.MP4", f"{one.stem}/0.png")
    after = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert after.files == before.files
    assert {item.reason for item in after.refused} == {f"{one.name} beside it is the same video"}
    assert len(after.refused) == 2


@pytest.mark.parametrize("dataset", ["dfdc", "dfdc_preview"])
def test_the_same_video_twice_is_named_where_a_list_says_what_there_is(tmp_path, dataset):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    one = videos(tmp_path)[0]
    touch(one.parent, f"{one.stem}.MP4")
    after = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert after.files == before.files
    (refused,) = after.refused
    assert refused.relative.endswith(f"{one.stem}.MP4")


def test_masks_and_originals_may_be_frames_too(tmp_path):
    TREES["ffpp"](tmp_path)
    masks = tmp_path / "manipulated_sequences/Deepfakes/masks/images"
    touch(masks, "000_003/0000.png")
    for video in videos(tmp_path):
        into_frames(video, video.parents[1] / "images" / video.stem)
    files = {file.video_id: file for file in list_source("ffpp", tmp_path, DEFAULT_OPTIONS).files}
    assert files["000_003"].mask == masks / "000_003"
    assert files["000_003"].original == files["000"].path


@pytest.mark.parametrize("dataset", SCRIPT)
def test_frames_that_are_not_in_folders_are_named_with_what_is_expected(tmp_path, dataset):
    TREES[dataset](tmp_path)
    for video in videos(tmp_path):
        video.unlink()
        touch(video.parents[1] / "images", f"{video.stem}_0000.png")
    with pytest.raises(InputError, match=r"neither an \.mp4 nor a folder of frames") as caught:
        list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert "images/VIDEO/*.png" in str(caught.value)


@pytest.mark.parametrize("dataset", SCRIPT)
def test_a_folder_of_another_name_is_named(tmp_path, dataset):
    TREES[dataset](tmp_path)
    for folder in list(tmp_path.rglob("videos")):
        folder.rename(folder.with_name("faces"))
    with pytest.raises(InputError, match="c23 holds faces/; videos/, images/, frames/ are read"):
        list_source(dataset, tmp_path, DEFAULT_OPTIONS)


def test_a_video_of_another_kind_is_named_as_such(tmp_path):
    TREES["ffpp"](tmp_path)
    videos(tmp_path)[0].rename(videos(tmp_path)[0].with_suffix(".avi"))
    (refused,) = list_source("ffpp", tmp_path, DEFAULT_OPTIONS).refused
    assert refused.reason == "it is neither an .mp4 nor a folder of frames"


@pytest.mark.parametrize("dataset", SCRIPT)
def test_c0_is_raw_and_said(tmp_path, dataset):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    for folder in list(tmp_path.rglob("c23")):
        folder.rename(folder.with_name("c0"))
    after = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    assert what(after) == what(before)
    assert "raw (its folder is called c0)" in after.label


@pytest.mark.parametrize("dataset", SCRIPT)
def test_an_unknown_compression_is_named_with_the_known_ones(tmp_path, dataset):
    TREES[dataset](tmp_path)
    for folder in list(tmp_path.rglob("c23")):
        folder.rename(folder.with_name("c32"))
    with pytest.raises(InputError, match=r"holds c32/; the known compressions are c23, c40, raw"):
        list_source(dataset, tmp_path, DEFAULT_OPTIONS)


def kaggle(root):
    """The tree of FaceForensics++ moved to Kaggle's layout; the splits stay at the root."""
    source = root / "source"
    source.mkdir()
    TREES["ffpp"](source)
    copy = source / "FaceForensics++_C23"
    copy.mkdir()
    (source / "original_sequences/youtube/c23/videos").rename(copy / "original")
    (source / "manipulated_sequences/Deepfakes/c23/videos").rename(copy / "Deepfakes")
    for name in ("original_sequences", "manipulated_sequences"):
        shutil.rmtree(source / name)
    return source, copy


@pytest.mark.parametrize("below", [True, False])
def test_faceforensics_as_kaggle_ships_it(tmp_path, below):
    (tmp_path / "before").mkdir()
    TREES["ffpp"](tmp_path / "before")
    source, copy = kaggle(tmp_path)
    if not below:
        (source / "splits").rename(copy / "splits")
        source = copy
    after = list_source("ffpp", source, DEFAULT_OPTIONS)
    assert sorted(what(after)) == sorted(
        what(list_source("ffpp", tmp_path / "before", DEFAULT_OPTIONS))
    )
    assert (
        after.label == "by Kaggle's layout of FaceForensics++, which does not tell the compression"
    )
    assert [item.relative for item in after.missing if "FaceShifter" in item.relative]


def test_kaggles_copy_of_faceforensics_needs_the_official_splits(tmp_path):
    source, _ = kaggle(tmp_path)
    shutil.rmtree(source / "splits")
    with pytest.raises(InputError, match="give --protocol the folder of the official"):
        list_source("ffpp", source, DEFAULT_OPTIONS)


def test_the_sample_of_dfdc_as_kaggle_ships_it(tmp_path):
    TREES["dfdc"](tmp_path)
    before = what(list_source("dfdc", tmp_path, DEFAULT_OPTIONS))
    (tmp_path / "dfdc_train_part_0").rename(tmp_path / "train_sample_videos")
    touch(tmp_path, "test_videos/u.mp4", "sample_submission.csv")
    after = list_source("dfdc", tmp_path, DEFAULT_OPTIONS)
    assert what(after) == before
    assert [(item.relative, item.reason) for item in after.refused] == [
        ("test_videos", "Kaggle gives no labels for its videos")
    ]


def test_the_sample_beside_a_part_repeats_none_of_its_videos(tmp_path):
    TREES["dfdc"](tmp_path)
    shutil.copytree(tmp_path / "dfdc_train_part_0", tmp_path / "train_sample_videos")
    listing = list_source("dfdc", tmp_path, DEFAULT_OPTIONS)
    assert [file.relative for file in listing.files] == [
        "dfdc_train_part_0/a.mp4",
        "dfdc_train_part_0/r.mp4",
    ]
    assert {item.reason.partition(" of ")[0] for item in listing.refused} == {"its name is that"}


def test_a_list_may_name_a_video_in_another_case(tmp_path):
    TREES["dfdc"](tmp_path)
    part = tmp_path / "dfdc_train_part_0"
    entries = {"a.MP4": {"label": "FAKE", "original": "r.MP4"}, "r.MP4": {"label": "REAL"}}
    (part / "metadata.json").write_text(json.dumps(entries))
    listing = list_source("dfdc", tmp_path, DEFAULT_OPTIONS)
    assert [(file.video_id, file.label) for file in listing.files] == [("a", 1), ("r", 0)]
    assert listing.files[0].original == part / "r.mp4"
    assert not listing.refused


@pytest.mark.parametrize("dataset", TREES)
def test_what_desktops_leave_behind_is_passed_over_in_every_layout(tmp_path, dataset):
    TREES[dataset](tmp_path)
    before = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    for folder in (tmp_path, *folders):
        touch(folder, "Thumbs.db", ".DS_Store", "._x.mp4", "._x.json", "@eaDir/x.mp4/thumb.jpg")
        touch(folder, "__MACOSX/x.zip", "desktop.ini")
    assert list_source(dataset, tmp_path, DEFAULT_OPTIONS) == before


def test_a_list_of_frames_may_name_them_in_another_case(tmp_path):
    TREES["deepfakebench"](tmp_path)
    (frame,) = tmp_path.rglob("000.png")
    frame.rename(frame.with_suffix(".PNG"))
    listing = list_source("deepfakebench", tmp_path, DEFAULT_OPTIONS)
    assert len(listing.files) == 1
    assert not listing.missing
