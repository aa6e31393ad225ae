"""Copies of which a part is missing: what it is, how much, and that --strict fails."""

import dataclasses
import json
import re
import shutil

import pytest

from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.preparation import coverage, coverage_text
from jaxfake.data.preparation.coverage import CoverageRow
from jaxfake.data.preparation.crop_files import CropStatus
from tests.data.layouts.trees import FRAMES, TREES, touch

WITH_A_FACE = CropStatus(2, 2, 2, 0, 9, "")


@pytest.fixture
def tree(tmp_path):
    """Plants the tree of a dataset."""

    def plant(dataset):
        root = tmp_path / dataset
        root.mkdir()
        TREES[dataset](root)
        return root

    return plant


def listed(dataset, root):
    return list_source(dataset, root, DEFAULT_OPTIONS)


def missing(dataset, root):
    return {item.relative: item.reason for item in listed(dataset, root).missing}


def counted(dataset, root):
    """As if every video that is there had given faces."""
    listing = listed(dataset, root)
    rows = [CoverageRow(file, file.split, WITH_A_FACE) for file in listing.files]
    return coverage.summarise(dataset, {}, {}, "", listing, rows)


FAKES, REALS = "manipulated_sequences", "original_sequences/youtube/c23/videos"


def test_a_manipulation_without_its_folder_or_videos_is_one_line(tree):
    root = tree("ffpp")
    shutil.rmtree(root / FAKES / "Deepfakes")
    (root / FAKES / "FaceSwap/c23/videos").mkdir(parents=True)
    said = missing("ffpp", root)
    gone = "it is not there, nor any of its 6 videos in the official splits"
    assert said[f"{FAKES}/Deepfakes/c23/videos"] == gone
    assert said[f"{FAKES}/FaceSwap/c23/videos"].startswith("it holds none of its 6 videos")
    assert not [name for name in said if name.startswith(FAKES) and name.endswith(".mp4")]


def test_videos_that_only_the_splits_have_are_named(tree):
    said = missing("ffpp", tree("ffpp"))
    assert said[f"{REALS}/071.mp4"] == "named in the official splits but not there"
    assert said[f"{FAKES}/Deepfakes/c23/videos/982_004.mp4"] == said[f"{REALS}/071.mp4"]
    assert f"{FAKES}/Deepfakes/c23/videos/000_003.mp4" not in said


def test_an_empty_folder_of_one_compression_does_not_hide_another(tree):
    root = tree("ffpp")
    for folder in list(root.rglob("c23")):
        folder.rename(folder.with_name("c40"))
    (root / REALS).mkdir(parents=True)
    assert listed("ffpp", root).label.endswith("c40")


def test_a_side_of_dfd_without_videos_is_named(tree):
    root = tree("dfd")
    (root / "original_sequences/actors/c23/videos/01__kitchen_pan.mp4").unlink()
    said = {"original_sequences/actors/c23/videos": "it holds none of its 363 videos"}
    assert missing("dfd", root) == said


def test_the_test_videos_of_celebdf_are_named(tree):
    root = tree("celebdf")
    assert missing("celebdf", root) == {}
    (root / "Celeb-synthesis/id4_id99_0000.mp4").unlink()
    shutil.rmtree(root / "YouTube-real")
    (root / "YouTube-real").mkdir()
    assert missing("celebdf", root) == {
        "Celeb-synthesis/id4_id99_0000.mp4": "named in List_of_testing_videos.txt but not there",
        "YouTube-real": "it holds none of its videos",
    }


def test_parts_of_dfdc_and_their_videos_are_named(tree):
    root = tree("dfdc")
    (root / "dfdc_train_part_0/a.mp4").unlink()
    shutil.copytree(root / "dfdc_train_part_0", root / "dfdc_train_part_07")
    said = missing("dfdc", root)
    assert said.pop("dfdc_train_part_0/a.mp4") == "named in metadata.json but not there"
    assert said.pop("dfdc_train_part_07/a.mp4") == "named in metadata.json but not there"
    gone = [f"dfdc_train_part_{n}" for n in range(50) if n not in (0, 7)]
    assert said == dict.fromkeys([*gone, "validation", "test"], "it is not there")


def test_fakes_of_deeperforensics_and_its_originals_are_named(tree):
    root = tree("deeperforensics")
    (root / "manipulated_videos/end_to_end/980_W010.mp4").unlink()
    touch(root, f"{REALS}/000.mp4")
    assert missing("deeperforensics", root) == dict.fromkeys(
        [
            "manipulated_videos/end_to_end/980_W010.mp4",
            f"{REALS}/103.mp4",
            f"{REALS}/980.mp4",
        ],
        "named in the official lists but not there",
    )


def test_folders_and_archives_of_wilddeepfake_are_named(tree):
    root = tree("wilddeepfake")
    shutil.rmtree(root / "real_test")
    shutil.rmtree(root / "fake_test/1")
    (root / "real_train/2/real").mkdir(parents=True)
    touch(root, "fake_train/3.tar.gz")
    assert missing("wilddeepfake", root) == {
        "real_test": "it is not there",
        "fake_test": "it holds no sequence",
        "real_train/2": "it holds no sequence",
        "fake_train/3.tar.gz": "it is not unpacked",
    }


def test_frames_and_videos_of_deepfakebench_are_named(tree):
    root = tree("deepfakebench")
    touch(root, f"{FRAMES}/003.png")
    (root / FRAMES / "000.png").unlink()
    said = {f"{FRAMES}/000.png": "named in FF-DF.json but not there"}
    assert missing("deepfakebench", root) == said


@pytest.mark.parametrize(
    ("dataset", "gone", "short"),
    [
        ("ffpp", f"{FAKES}/Deepfakes/c23/videos/000_003.mp4", "Deepfakes of test: 1 of 2"),
        ("dfd", f"{FAKES}/DeepFakeDetection/c23/videos/*.mp4", "of test: 0 of 3068"),
        ("celebdf", "Celeb-synthesis/id?_id99_0000.mp4", "Celeb-synthesis of test: 52 of 62"),
        ("dfdc", "dfdc_train_part_0/a.mp4", "dfdc of test: 0 of 2500"),
        ("dfdc_preview", "method_A/1/y.mp4", "method_A of train: 0 of 1"),
        ("deeperforensics", "manipulated_videos/end_to_end/103*", "of test: 0 of 201"),
        ("wilddeepfake", "real_test", "1 folders or archives are missing, such as real_test"),
        ("deepfakebench", "FaceForensics++/*/*/*/*/003", "real of test: 0 of 1"),
    ],
)
def test_a_part_fails_strict_and_is_counted_beside_the_official_number(tree, dataset, gone, short):
    root = tree(dataset)
    if dataset == "deepfakebench":
        add_a_video(root)
    for path in list(root.glob(gone)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    whole = counted(dataset, root)
    assert short in coverage.too_few(whole, 0.95)
    assert any(entry["status"].startswith("missing: ") for entry in whole.files)
    lines = coverage_text.table(whole)
    assert lines[0].split()[-2:] == ["missing", "official"]
    for split, methods in whole.coverage.items():
        for method, count in methods.items():
            (line,) = [line for line in lines if line.split()[:2] == [split, method]]
            assert line.split()[-2:] == [
                str(count.get(key, "-")) for key in ("missing", "official")
            ]
            if dataset != "wilddeepfake":  # its authors give no numbers by split
                assert count["missing"] == count["official"] - count["expected"] >= 0


def add_a_video(root):
    """A second real video to the list of DeepfakeBench, of the test split."""
    path = root / "dataset_json" / "FF-DF.json"
    lists = json.loads(path.read_text())
    video = json.loads(json.dumps(lists["FF-DF"]["FF-real"]["train"]["c23"]["071"]))
    video["frames"] = [frame.replace("071", "003") for frame in video["frames"]]
    lists["FF-DF"]["FF-real"]["test"] = {"c23": {"003": video}}
    path.write_text(json.dumps(lists))
    touch(root, FRAMES.replace("071", "003") + "/000.png")


def test_fakes_with_a_mask_are_counted_by_split_and_method(tree):
    """Two fakes of the same manipulation, of which one has a mask in a single crop."""
    listing = listed("ffpp", tree("ffpp"))
    rows = [
        CoverageRow(
            file, file.split, dataclasses.replace(WITH_A_FACE, masked=file.video_id == "000_003")
        )
        for file in listing.files
    ]
    whole = coverage.summarise("ffpp", {}, {}, "", listing, rows)
    count = whole.coverage["test"]["Deepfakes"]
    assert (count["found"], count["masks"], count["masked_crops"]) == (2, 1, 1)
    assert whole.coverage["train"]["Deepfakes"]["masks"] == 0
    assert "masks" not in whole.coverage["test"]["real"]
    heads, *lines = (re.split(r"  +", line.strip()) for line in coverage_text.table(whole))
    at = heads.index("with a mask")
    said = {tuple(line[:2]): line[at] for line in lines}
    assert said["test", "Deepfakes"] == "1"
    assert said["test", "real"] == "-"


def test_many_missing_files_of_a_folder_are_one_line_and_all_in_the_file(tree):
    root = tree("celebdf")
    for path in sorted((root / "Celeb-synthesis").iterdir())[:40]:
        path.unlink()
    whole = counted("celebdf", root)
    assert whole.source["missing"] == 40 == len(whole.files)
    assert coverage_text.remarks(whole) == [
        "missing (40):",
        "  Celeb-synthesis: 40 files, such as Celeb-synthesis/id0_id99_0000.mp4: "
        "named in List_of_testing_videos.txt but not there",
    ]
