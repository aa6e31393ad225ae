"""Datasets that DeepfakeBench preprocessed: its lists and their paths, masks, pairs, and several splits."""

import json
import shutil

import pytest

from jaxfake import schema
from jaxfake.data.layouts import untrusted_input
from jaxfake.data.layouts.deepfakebench import list_deepfakebench
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.layouts.safe_paths import LEAVES
from jaxfake.runtime.errors import InputError

FFPP = "FaceForensics++"
REALS = f"{FFPP}/original_sequences/youtube/c23/frames"
FAKES = f"{FFPP}/manipulated_sequences/Deepfakes/c23"


def video(group, folder, frames=("000", "012"), before="/home/author/datasets/rgb/"):
    return {"label": group, "frames": [f"{before}{folder}/{name}.png" for name in frames]}


def on_disk(root, folder, *names):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name in names or ("000", "012"):
        (root / folder / f"{name}.png").write_bytes(b"")


def write(root, name, lists):
    (root / "dataset_json").mkdir(parents=True, exist_ok=True)
    (root / "dataset_json" / f"{name}.json").write_text(json.dumps({name: lists}))


def ffpp_lists():
    """Of three videos and their real ones, in three ways to write a path."""
    windows = video("FF-DF", f"{FAKES}/frames/000_003", before="D:\\data\\")
    windows["frames"] = [frame.replace("/", "\\") for frame in windows["frames"]]
    windows["landmarks"] = ["not", "looked", "at"]
    return {
        "FF-real": {
            "train": {"c23": {"071": video("FF-real", f"{REALS}/071")}},
            "val": {"c23": {}},
            "test": {"c23": {"003": video("FF-real", f"{REALS}/003", before="")}},
        },
        "FF-DF": {
            "train": {
                "c23": {"071_054": video("FF-DF", f"{FAKES}/frames/071_054")},
                "c40": {"071_054": video("FF-DF", f"{FAKES}/frames/071_054".replace("c23", "c40"))},
            },
            "val": {"c23": {}},
            "test": {"c23": {"000_003": windows}},
        },
    }


@pytest.fixture
def tree(tmp_path):
    """Frames of FaceForensics++, masks of one video, and the list of Deepfakes."""
    root = tmp_path / "rgb"
    for name in ("071", "003"):
        on_disk(root, f"{REALS}/{name}")
    for name in ("071_054", "000_003"):
        on_disk(root, f"{FAKES}/frames/{name}")
    on_disk(root, f"{FAKES}/masks/071_054")
    write(root, "FF-DF", ffpp_lists())
    return root


def refusals(listing):
    return {item.relative: item.reason for item in [*listing.refused, *listing.missing]}


def test_each_video_has_its_label_method_split_and_pair(tree):
    listing = list_deepfakebench(tree, None)
    found = {file.video_id: file for file in listing.files}
    assert {name: (f.label, f.method, f.split, f.identity) for name, f in found.items()} == {
        "071": (schema.REAL, "real", "train", "054_071"),
        "003": (schema.REAL, "real", "test", "000_003"),
        "071_054": (schema.FAKE, "Deepfakes", "train", "054_071"),
        "000_003": (schema.FAKE, "Deepfakes", "test", "000_003"),
    }
    assert all(file.path == tree / file.relative for file in listing.files)
    assert found["000_003"].relative == f"{FAKES}/frames/000_003"
    assert (listing.refused, listing.label) == ([], "by the lists of DeepfakeBench, c23")
    assert listing.official == {
        "train": {"real": 1, "Deepfakes": 1},
        "test": {"real": 1, "Deepfakes": 1},
    }


def test_masks_are_beside_the_frames(tree):
    found = {file.video_id: file for file in list_deepfakebench(tree, None).files}
    assert found["071_054"].mask == tree / FAKES / "masks" / "071_054"
    assert (found["000_003"].mask, found["071"].mask) == (None, None)
    assert found["071_054"].original is None


def test_masks_of_other_frames_are_refused(tree):
    on_disk(tree, f"{FAKES}/masks/000_003", "000", "013")
    listing = list_deepfakebench(tree, None)
    assert refusals(listing) == {
        f"{FAKES}/masks/000_003": "its pictures are not those of the frames"
    }
    assert {file.video_id for file in listing.files if file.mask} == {"071_054"}


def test_another_compression_is_taken_where_its_frames_are_there(tree):
    (tree / FAKES).rename(tree / FAKES.replace("c23", "c40"))
    shutil.rmtree(tree / REALS)
    listing = list_deepfakebench(tree, None)
    (file,) = listing.files
    assert (file.video_id, listing.label[-3:]) == ("071_054", "c40")
    assert file.mask == tree / FAKES.replace("c23", "c40") / "masks/071_054"


def test_lists_that_repeat_each_other_count_once(tree):
    write(tree, FFPP, ffpp_lists())
    one, both = (
        list_deepfakebench(tree, tree / "dataset_json" / "FF-DF.json"),
        list_deepfakebench(tree, None),
    )
    assert both == one


def test_lists_of_datasets_that_are_not_there_are_one_line_each(tree):
    absent = video("UADFV_Fake", "UADFV/fake/frames/0047_fake")
    write(tree, "UADFV", {"UADFV_Fake": {"test": {"0047_fake": absent}}})
    listing = list_deepfakebench(tree, None)
    assert refusals(listing) == {"UADFV.json": "none of the videos that it names exists"}
    assert listing.official["test"] == {"real": 1, "Deepfakes": 1}


def test_what_is_named_but_not_there_is_refused(tree):
    (tree / FAKES / "frames/071_054/012.png").unlink()
    (tree / FAKES / "masks/071_054/012.png").unlink()
    (tree / REALS / "003").rename(tree / "gone")
    listing = list_deepfakebench(tree, None)
    assert refusals(listing) == {
        "FF-real/003": "named in FF-DF.json but not there",
        f"{FAKES}/frames/071_054/012.png": "named in FF-DF.json but not there",
    }
    assert len(listing.files) == 3
    assert listing.official["test"]["real"] == 1


def test_nothing_outside_the_root_is_taken(tree, tmp_path):
    on_disk(tmp_path, "outside/frames/666")
    (tree / FAKES / "frames/667").symlink_to(tmp_path / "outside/frames/666")
    on_disk(tree, f"{FAKES}/frames/668", "000")
    (tree / FAKES / "frames/668/012.png").symlink_to(tmp_path / "outside/frames/666/000.png")
    more = {
        "up": video("FF-DF", f"{FAKES}/../../../../outside/frames/666"),
        "far": video("FF-DF", f"{tmp_path}/outside/frames/666", before=""),
        "link": video("FF-DF", f"{FAKES}/frames/667"),
        "links": video("FF-DF", f"{FAKES}/frames/668"),
        "two": {"label": "FF-DF", "frames": ["a/frames/1/0.png", "a/frames/2/0.png"]},
        "none": {"label": "FF-DF", "frames": []},
        "null": {"label": "FF-DF", "frames": ["a/frames/\0/0.png"]},
        "empty": {"label": "FF-DF", "frames": [""]},
        "long": {"label": "FF-DF", "frames": ["a/" * 100000 + "b" * 5000 + "/0.png"]},
    }
    lists = ffpp_lists()
    lists["FF-DF"]["train"]["c23"] |= more
    write(tree, "FF-DF", lists)
    listing = list_source("deepfakebench", tree, DEFAULT_OPTIONS)
    assert len(listing.files) == 4
    assert refusals(listing) == {
        "FF-DF/up": "its frames are named by a path with ..",
        "FF-DF/far": "named in FF-DF.json but not there",
        f"{FAKES}/frames/667": LEAVES,
        f"{FAKES}/frames/668/012.png": LEAVES,
        "FF-DF/two": "its frames are in several folders",
        "FF-DF/none": "FF-DF.json names no frame of it",
        "FF-DF/null": "a name in it cannot be printed",
        "FF-DF/empty": "named in FF-DF.json but not there",
        "FF-DF/long": "named in FF-DF.json but not there",
    }


@pytest.mark.parametrize("name", ["000_003", "003_000"])
def test_a_pair_of_ffpp_in_two_splits_is_named(tree, name):
    lists = ffpp_lists()
    lists["FF-DF"]["val"]["c23"][name] = video("FF-DF", f"{FAKES}/frames/{name}")
    write(tree, "FF-DF", lists)
    with pytest.raises(InputError, match=r"FF-DF.json: \d{3}.* is in .*official splits"):
        list_deepfakebench(tree, None)


def celeb(tree):
    """As rearrange.py writes Celeb-DF: all is in train, the official test videos in test and val."""
    folders = {"id0_0001": "Celeb-real", "id1_0001": "Celeb-real"}
    videos = {}
    for name, folder in folders.items():
        on_disk(tree, f"Celeb-DF-v2/{folder}/frames/{name}")
        videos[name] = video("CelebDFv2_real", f"Celeb-DF-v2/{folder}/frames/{name}")
    tested = {"id1_0001": videos["id1_0001"]}
    return {"CelebDFv2_real": {"train": videos, "val": tested, "test": tested}}


def test_elsewhere_a_video_of_several_splits_is_in_one(tree):
    write(tree, "Celeb-DF-v2", celeb(tree))
    listing = list_deepfakebench(tree, tree / "dataset_json" / "Celeb-DF-v2.json")
    assert {file.video_id: (file.split, file.identity) for file in listing.files} == {
        "id0_0001": ("train", "id0_0001"),
        "id1_0001": ("test", "id1_0001"),
    }
    assert "1 videos that they put into several splits" in listing.label


def test_training_videos_that_are_in_val_too_are_trained_on(tree):
    lists = celeb(tree)
    lists["CelebDFv2_real"]["val"] = lists["CelebDFv2_real"]["train"]
    lists["CelebDFv2_real"]["test"] = {}
    write(tree, "Celeb-DF-v2", lists)
    listing = list_deepfakebench(tree, tree / "dataset_json" / "Celeb-DF-v2.json")
    assert {file.split for file in listing.files} == {"train"}


def test_a_video_without_a_name_is_refused(tree):
    lists = celeb(tree)
    nameless = video("CelebDFv2_real", "Celeb-DF-v2/Celeb-real/frames/id1_0001")
    lists["CelebDFv2_real"]["val"] = nameless
    write(tree, "Celeb-DF-v2", lists)
    listing = list_deepfakebench(tree, tree / "dataset_json" / "Celeb-DF-v2.json")
    assert len(listing.files) == 2
    assert refusals(listing) == {
        "Celeb-DF-v2.json/CelebDFv2_real/val": "it holds a video without a name"
    }


def test_two_datasets_with_the_same_names_are_prepared_one_at_a_time(tree):
    write(tree, "Celeb-DF-v2", celeb(tree))
    on_disk(tree, "Celeb-DF-v1/Celeb-real/frames/id0_0001")
    old = video("CelebDFv1_real", "Celeb-DF-v1/Celeb-real/frames/id0_0001")
    write(tree, "Celeb-DF-v1", {"CelebDFv1_real": {"train": {"id0_0001": old}}})
    with pytest.raises(InputError, match=r"both have a video id0_0001: .*--protocol=FILE"):
        list_deepfakebench(tree, None)


def test_a_source_that_is_too_deep_is_told(tree):
    lists = ffpp_lists()
    other = f"{FAKES}/frames/071_054".replace("Deepfakes", "FaceSwap")
    lists["FF-FS"] = {"train": {"c23": {"071_054": video("FF-FS", other)}}}
    write(tree, "FF-DF", lists)
    with pytest.raises(InputError, match="give --source the folder above"):
        list_deepfakebench(tree / FAKES, tree / "dataset_json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not readable JSON"),
        ('{"a":' * 100000, "is not readable JSON"),
        ("[]", "an object"),
        ('{"FF-DF": []}', "FF-DF should hold an object"),
        ('{"FF-DF": {"FF-DF": {"training": {}}}}', "train, val and test, not 'training'"),
        ('{"FF-DF": {"FF-DF": {"train": [1]}}}', "train should hold an object"),
        ('{"FF-DF": {"FF-DF": {"train": {"c23": 3}}}}', "FF-DF/train should hold an object"),
        ('{"FF-DF": {"FF-DF": {"train": {"c23": {"071_054": "x"}}}}}', "071_054 should hold"),
        (
            '{"FF-DF": {"FF-DF": {"train": {"c23": {"071_054": {"label": 1, "frames": []}}}}}}',
            "071_054 should have the name of a class as label, not 1",
        ),
        (
            '{"FF-DF": {"FF-DF": {"train": {"1": {"label": "FF-real", "frames": []}}}}}',
            "'FF-real', which contradicts its class",
        ),
        (
            '{"FF-DF": {"FF-DF": {"train": {"1": {"label": "FF-DF", "frames": [3]}}}}}',
            "a list of paths as frames",
        ),
        ('{"FF-DF": {"FF-DF": {"train": {}}}}', "holds none of the frames"),
    ],
)
def test_a_list_that_says_what_it_cannot_is_named_with_the_entry(tree, text, message):
    (tree / "dataset_json/FF-DF.json").write_text(text)
    with pytest.raises(InputError, match=message):
        list_deepfakebench(tree, None)


def test_a_list_over_the_limit_is_not_read(tree, monkeypatch):
    monkeypatch.setattr(untrusted_input, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="over the limit"):
        list_deepfakebench(tree, None)


def test_a_wrong_root_says_what_was_expected(tree, tmp_path):
    with pytest.raises(InputError, match=r"dataset_json is not there: give --protocol"):
        list_deepfakebench(tmp_path, None)
    with pytest.raises(InputError, match=r"such as '/home/author.*give --source the folder"):
        list_deepfakebench(tmp_path / "nothing", tree / "dataset_json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no \*.json"):
        list_deepfakebench(tree, tmp_path / "empty")
