"""Labels the wrong way round, wherever the data itself tells: named, and nothing of it is taken."""

import json

import pytest

from jaxfake.data.layouts.deepfakebench import list_deepfakebench
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError
from tests.data.layouts.trees import FRAMES, TREES

AMONG_REALS = "it has the name of a fake and is among the real videos"
AMONG_FAKES = "it has the name of a real video and is among the fakes"

SIDES = {
    "ffpp": (
        "original_sequences/youtube/c23/videos",
        "manipulated_sequences/Deepfakes/c23/videos",
    ),
    "dfd": (
        "original_sequences/actors/c23/videos",
        "manipulated_sequences/DeepFakeDetection/c23/videos",
    ),
    "celebdf": ("Celeb-real", "Celeb-synthesis"),
}
"""Folders of the reals and of the fakes."""


@pytest.fixture
def tree(tmp_path):
    def plant(dataset):
        TREES[dataset](tmp_path)
        return tmp_path

    return plant


def swap(reals, fakes):
    reals.rename(reals.with_name("aside"))
    fakes.rename(reals)
    reals.with_name("aside").rename(fakes)


@pytest.mark.parametrize("dataset", SIDES)
def test_folders_of_the_other_side_are_not_taken(tree, dataset):
    root = tree(dataset)
    reals, fakes = (root / side for side in SIDES[dataset])
    swap(reals, fakes)
    if dataset == "celebdf":  # YouTube-real is as it was
        listing = list_source(dataset, root, DEFAULT_OPTIONS)
        assert {file.method for file in listing.files} == {"real"}
        assert {item.reason for item in listing.refused} == {AMONG_REALS, AMONG_FAKES}
        assert len(listing.refused) == 70
    else:
        with pytest.raises(
            InputError, match=f"({AMONG_REALS}|{AMONG_FAKES}); and .* expected:"
        ) as caught:
            list_source(dataset, root, DEFAULT_OPTIONS)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dataset", SIDES)
def test_one_video_of_the_other_side_is_refused(tree, dataset):
    root = tree(dataset)
    reals, fakes = (root / side for side in SIDES[dataset])
    before = list_source(dataset, root, DEFAULT_OPTIONS).files
    one = sorted(fakes.iterdir())[0]
    one.rename(reals / one.name)
    listing = list_source(dataset, root, DEFAULT_OPTIONS)
    relative = (reals / one.name).relative_to(root).as_posix()
    assert [(item.relative, item.reason) for item in listing.refused] == [(relative, AMONG_REALS)]
    assert len(listing.files) == len(before) - 1


def test_an_original_among_the_fakes_of_deeperforensics_is_refused(tree):
    root = tree("deeperforensics")
    (root / "manipulated_videos/end_to_end/000.mp4").write_bytes(b"")
    (refused,) = list_source("deeperforensics", root, DEFAULT_OPTIONS).refused
    assert refused.reason == AMONG_FAKES


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (
            {"a.mp4": {"label": "REAL", "original": "r.mp4"}, "r.mp4": {"label": "FAKE"}},
            "a.mp4 contradicts itself, it is labelled REAL",
        ),
        (
            {"a.mp4": {"label": "FAKE", "original": "r.mp4"}, "r.mp4": {"label": "FAKE"}},
            "a.mp4 is made from r.mp4, which is labelled FAKE itself",
        ),
        ({"a.mp4": {"label": "FAKE", "original": "a.mp4"}}, "which is labelled FAKE itself"),
        ({"a.mp4": {"label": "FAKE", "is_fake": 0}}, "a.mp4 contradicts itself"),
    ],
)
def test_labels_of_dfdc_that_their_originals_contradict_are_an_error(tree, entries, says):
    root = tree("dfdc")
    (root / "dfdc_train_part_0/metadata.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match=says) as caught:
        list_source("dfdc", root, DEFAULT_OPTIONS)
    assert "metadata.json" in str(caught.value)


def test_two_lists_of_a_folder_of_dfdc_have_to_agree(tree):
    part = tree("dfdc") / "dfdc_train_part_0"
    (part / "labels.csv").write_text("filename,label\na.mp4,1\nr.mp4,0\n")
    files = list_source("dfdc", part.parent, DEFAULT_OPTIONS).files
    assert {file.video_id: (file.label, file.identity) for file in files} == {
        "a": (1, "r"),
        "r": (0, "r"),
    }
    (part / "labels.csv").write_text("filename,label\na.mp4,0\nr.mp4,1\n")
    with pytest.raises(InputError, match=r"labels.csv and metadata.json contradict .* a.mp4"):
        list_source("dfdc", part.parent, DEFAULT_OPTIONS)


def test_a_list_of_deepfakebench_whose_classes_contradict_its_folders(tree):
    root = tree("deepfakebench")
    video = {"label": "FF-DF", "frames": [f"/home/author/{FRAMES}/000.png"]}
    lists = {"FF-DF": {"FF-DF": {"train": {"c23": {"071": video}}}}}
    (root / "dataset_json/FF-DF.json").write_text(json.dumps(lists))
    with pytest.raises(InputError, match="is of FF-DF, which contradicts its folder original_"):
        list_deepfakebench(root, None)
