"""A part of an official dataset is taken on request, and how much of it that is becomes part of results."""

import dataclasses
import json

import pytest

from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError
from tests.data.layouts.trees import TREES, touch

SUBSET = dataclasses.replace(DEFAULT_OPTIONS, subset=True)


def cut_list(root):
    """Celeb-DF with a list of three videos, all of which are there."""
    TREES["celebdf"](root)
    path = root / "List_of_testing_videos.txt"
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:2], lines[-1]]))


def test_a_cut_list_of_celebdf_is_refused_with_the_flag_or_taken_and_said(tmp_path):
    cut_list(tmp_path)
    with pytest.raises(InputError, match=r"2 real and 1 fake .* 178 and 340 \(v2\).*--subset"):
        list_source("celebdf", tmp_path, DEFAULT_OPTIONS)
    listing = list_source("celebdf", tmp_path, SUBSET)
    assert sum(file.split == "test" for file in listing.files) == 3
    assert listing.caveats == [
        "These data are a subset: 100 of 6529 official videos (train 97 of 6011, test 3 of 518)."
    ]
    assert "of unknown version (compared with v2)" in listing.label


def test_a_cut_list_that_drops_youtube_is_compared_with_such_a_test(tmp_path):
    cut_list(tmp_path)
    listing = list_source("celebdf", tmp_path, dataclasses.replace(SUBSET, drop_youtube=True))
    assert "test 3 of 448" in listing.caveats[0]


@pytest.mark.parametrize("dataset", sorted(set(TREES) - {"celebdf"}))
def test_of_a_subset_nothing_is_missing_and_its_size_is_said(tmp_path, dataset):
    TREES[dataset](tmp_path)
    whole = list_source(dataset, tmp_path, DEFAULT_OPTIONS)
    listing = list_source(dataset, tmp_path, SUBSET)
    assert listing.files == whole.files
    assert not listing.missing
    assert not listing.official
    assert f"a subset: {len(listing.files)} " in listing.caveats[-1]


def test_a_few_videos_of_faceforensics_are_compared_with_all_of_it(tmp_path):
    TREES["ffpp"](tmp_path)
    listing = list_source("ffpp", tmp_path, SUBSET)
    assert listing.caveats == [
        "The splits name 1 + 1 + 1 pairs of FaceForensics++, and the official ones 360 + 70 + 70.",
        "These data are a subset: 4 of 6000 official videos (train 0 of 4320, val 0 of 840, "
        "test 4 of 840).",
    ]


def test_splits_that_are_not_the_official_ones_are_named_without_the_flag_too(tmp_path):
    TREES["ffpp"](tmp_path)
    assert list_source("ffpp", tmp_path, DEFAULT_OPTIONS).caveats[0].startswith("The splits name 1")
    ids = iter(range(1000))
    for split, pairs in (("train", 360), ("val", 70), ("test", 70)):
        named = [[f"{next(ids):03}", f"{next(ids):03}"] for _ in range(pairs)]
        (tmp_path / "splits" / f"{split}.json").write_text(json.dumps(named))
    touch(tmp_path, "original_sequences/youtube/c23/videos/999.mp4")
    assert not list_source("ffpp", tmp_path, DEFAULT_OPTIONS).caveats


def test_a_folder_of_a_persons_own_has_no_official_list(tmp_path):
    touch(tmp_path, "a.jpg")
    with pytest.raises(InputError, match="--subset is for a dataset with official lists"):
        list_source("folder", tmp_path, SUBSET)
