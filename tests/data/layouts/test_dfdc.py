"""The layouts of DFDC and of its preview: labels, originals, splits, and half-unpacked copies."""

import json

import pytest

from jaxfake import schema
from jaxfake.data.layouts import untrusted_input
from jaxfake.data.layouts.dfdc import list_dfdc
from jaxfake.data.layouts.dfdc_preview import list_dfdc_preview
from jaxfake.data.layouts.registry import DEFAULT_OPTIONS, list_source
from jaxfake.data.layouts.safe_paths import LEAVES
from jaxfake.runtime.errors import InputError

PARTS = {
    "dfdc_train_part_0": {
        "aaa.mp4": {"label": "FAKE", "split": "train", "original": "rrr.mp4"},
        "bbb.mp4": {"label": "FAKE", "split": "train", "original": "sss.mp4"},
    },
    "dfdc_train_part_12": {
        "ccc.mp4": {"label": "FAKE", "split": "train", "original": "rrr.mp4"},
        "rrr.mp4": {"label": "REAL", "split": "train"},
    },
}


def filled(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.fixture
def tree(tmp_path):
    """Two training parts, validation with labels.csv, test with metadata.json; of empty files."""
    root = tmp_path / "DFDC"
    for part, entries in PARTS.items():
        filled(root / part, *entries)
        (root / part / "metadata.json").write_text(json.dumps(entries))
    filled(root / "validation", "vvv.mp4", "www.mp4")
    (root / "validation/labels.csv").write_text("filename,label\nvvv.mp4,1\nwww.mp4,0\n")
    filled(root / "test", "xxx.mp4", "yyy.mp4")
    told = {"xxx.mp4": {"is_fake": 1, "augmentations": {}}, "yyy.mp4": {"is_fake": 0}}
    (root / "test/metadata.json").write_text(json.dumps(told))
    return root


def by_id(listing):
    return {file.video_id: file for file in listing.files}


def refusals(listing):
    """Also of what is missing, but for the folders that this small tree never had."""
    named = [*listing.refused, *listing.missing]
    return {item.relative: item.reason for item in named if item.reason != "it is not there"}


def test_each_video_has_its_label_split_and_original_s_name(tree):
    listing = list_dfdc(tree, None)
    found = by_id(listing)
    assert {name: (f.label, f.method, f.split, f.identity) for name, f in found.items()} == {
        "aaa": (schema.FAKE, "dfdc", "train", "rrr"),
        "bbb": (schema.FAKE, "dfdc", "train", "sss"),
        "ccc": (schema.FAKE, "dfdc", "train", "rrr"),
        "rrr": (schema.REAL, "real", "train", "rrr"),
        "vvv": (schema.FAKE, "dfdc", "val", "vvv"),
        "www": (schema.REAL, "real", "val", "www"),
        "xxx": (schema.FAKE, "dfdc", "test", "xxx"),
        "yyy": (schema.REAL, "real", "test", "yyy"),
    }
    assert [file.relative for file in listing.files] == sorted(f.relative for f in listing.files)
    assert listing.refused == []
    assert sum(listing.official["test"].values()) == 5000


def test_an_original_is_known_wherever_it_lies(tree):
    found = by_id(list_dfdc(tree, None))
    assert found["aaa"].original == found["ccc"].original == found["rrr"].path
    assert found["bbb"].original is None
    assert found["rrr"].original is None


def test_parts_may_lie_in_a_folder_train(tree):
    whole = list_dfdc(tree, None)
    (tree / "train").mkdir()
    for part in PARTS:
        (tree / part).rename(tree / "train" / part)
    moved = list_dfdc(tree, None)
    assert {file.video_id for file in moved.files} == {file.video_id for file in whole.files}


def test_what_is_not_unpacked_is_named(tree):
    (tree / "dfdc_train_part_0/aaa.mp4").unlink()
    (tree / "dfdc_train_part_12/rrr.mp4").unlink()
    listing = list_dfdc(tree, None)
    assert refusals(listing) == {
        "dfdc_train_part_0/aaa.mp4": "named in metadata.json but not there",
        "dfdc_train_part_12/rrr.mp4": "named in metadata.json but not there",
    }
    assert by_id(listing)["ccc"].original is None


def test_what_no_list_names_is_refused(tree):
    filled(tree / "dfdc_train_part_0", "zzz.mp4")
    filled(tree / "dfdc_train_part_3", "qqq.mp4")
    assert refusals(list_dfdc(tree, None)) == {
        "dfdc_train_part_0/zzz.mp4": "metadata.json does not name it",
        "dfdc_train_part_3": "it has neither labels.csv nor metadata.json",
    }


def test_a_name_of_two_parts_is_taken_once(tree):
    filled(tree / "dfdc_train_part_5", "aaa.mp4")
    (tree / "dfdc_train_part_5/metadata.json").write_text('{"aaa.mp4": {"label": "REAL"}}')
    reason = refusals(list_dfdc(tree, None))
    assert reason == {"dfdc_train_part_5/aaa.mp4": "its name is that of dfdc_train_part_0/aaa.mp4"}


@pytest.mark.parametrize(
    "name", ["../dfdc_train_part_12/rrr.mp4", "/etc/passwd", "a\0.mp4", "\ud800.mp4", "x.txt", ""]
)
def test_a_name_of_no_video_is_refused(tree, name):
    (tree / "dfdc_train_part_0/metadata.json").write_text(json.dumps({name: {"label": "REAL"}}))
    (found,) = [
        r for r in list_dfdc(tree, None).refused if r.reason == "it is not named like a video"
    ]
    assert found.relative.isprintable()


def test_a_link_that_leaves_is_refused(tree, tmp_path):
    filled(tmp_path, "outside.mp4")
    path = tree / "dfdc_train_part_12/rrr.mp4"
    path.unlink()
    path.symlink_to(tmp_path / "outside.mp4")
    listing = list_source("dfdc", tree, DEFAULT_OPTIONS)
    assert refusals(listing) == {"dfdc_train_part_12/rrr.mp4": LEAVES}
    assert by_id(listing)["aaa"].original is None


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("dfdc_train_part_0/metadata.json", "{", "is not readable JSON"),
        ("dfdc_train_part_0/metadata.json", "[" * 100000, "is not readable JSON"),
        ("dfdc_train_part_0/metadata.json", "[1]", "an object"),
        ("dfdc_train_part_0/metadata.json", '{"aaa.mp4": "FAKE"}', "aaa.mp4 should hold an object"),
        ("dfdc_train_part_0/metadata.json", '{"aaa.mp4": {}}', "aaa.mp4 .* FAKE or REAL"),
        ("dfdc_train_part_0/metadata.json", '{"aaa.mp4": {"label": ["FAKE"]}}', "FAKE or REAL"),
        (
            "dfdc_train_part_0/metadata.json",
            '{"aaa.mp4": {"label": "FAKE", "original": 3}}',
            "as original, not 3",
        ),
        (
            "dfdc_train_part_0/metadata.json",
            '{"aaa.mp4": {"label": "FAKE", "original": "../x.mp4"}}',
            "as original",
        ),
        ("test/metadata.json", '{"xxx.mp4": {"is_fake": "1"}}', "is_fake 0 or 1"),
        ("test/metadata.json", '{"xxx.mp4": {"is_fake": 2}}', "is_fake 0 or 1"),
        ("validation/labels.csv", "vvv.mp4,1\n", "columns filename and label"),
        ("validation/labels.csv", "filename,label\nvvv.mp4,FAKE\n", "0 or 1"),
        ("validation/labels.csv", "filename,label\nvvv.mp4\n", "0 or 1"),
        (
            "validation/labels.csv",
            "filename,label\nvvv.mp4,1\nvvv.mp4,0\n",
            "every name should appear once",
        ),
        (
            "validation/labels.csv",
            "filename,label\n" + "v" * 200000 + ",1\n",
            "not a readable table",
        ),
        ("validation/labels.csv", "filename,label\n\udcff,1\n", "not text in UTF-8"),
    ],
)
def test_a_list_that_says_what_it_cannot_is_named_with_the_entry(tree, file, text, message):
    (tree / file).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=message):
        list_dfdc(tree, None)


def test_a_list_over_the_limit_is_not_read(tree, monkeypatch):
    monkeypatch.setattr(untrusted_input, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="over the limit"):
        list_dfdc(tree, None)


def test_a_wrong_root_says_what_was_expected(tmp_path, preview):
    with pytest.raises(InputError, match="unpack the archives"):
        list_dfdc(tmp_path / "nothing", None)
    with pytest.raises(InputError, match="is the preview of DFDC"):
        list_dfdc(preview, None)
    with pytest.raises(InputError, match="leave it out"):
        list_dfdc(tmp_path, tmp_path)


def test_the_real_miniature_tree(shared_data):
    listing = list_dfdc(shared_data / "dfdc", None)
    assert {f.video_id: (f.label, f.split, f.identity) for f in listing.files} == {
        "brtujopkby": (schema.FAKE, "train", "gnmmhlbzge"),
        "lynaeydofd": (schema.REAL, "train", "lynaeydofd"),
    }
    assert listing.refused == []


LISTED = {
    "original_videos/11/11_A.mp4": {"label": "real", "set": "train", "target_id": 11},
    "method_A/11/12/x_A.mp4": {
        "label": "fake",
        "set": "train",
        "augmentations": [],
        "target_id": "11",
        "swapped_id": "12",
    },
    "method_B/21/x_B.mp4": {"label": "fake", "set": "test", "target_id": None, "swapped_id": 22},
}


@pytest.fixture
def preview(tmp_path):
    root = tmp_path / "preview"
    filled(root, *LISTED)
    (root / "dataset.json").write_text(json.dumps(LISTED))
    return root


def test_the_preview_has_its_own_list(preview):
    listing = list_dfdc_preview(preview, None)
    assert {
        f.video_id: (f.relative, f.label, f.method, f.split, f.identity) for f in listing.files
    } == {
        "11/11_A": ("original_videos/11/11_A.mp4", schema.REAL, "real", "train", "11"),
        "11/12/x_A": ("method_A/11/12/x_A.mp4", schema.FAKE, "method_A", "train", "11"),
        "21/x_B": ("method_B/21/x_B.mp4", schema.FAKE, "method_B", "test", "x_B"),
    }
    assert listing.official == {"train": {"method_A": 1, "real": 1}, "test": {"method_B": 1}}


def test_the_preview_names_what_does_not_fit(preview, tmp_path):
    (preview / "method_B/21/x_B.mp4").unlink()
    filled(preview, "method_A/11/y_A.mp4")
    filled(tmp_path, "outside.mp4")
    (preview / "method_A/link.mp4").symlink_to(tmp_path / "outside.mp4")
    entry = {"label": "fake", "set": "test"}
    more = {
        "method_A/link.mp4": entry,
        "method_C/z.mp4": entry,
        "method_A/../../outside.mp4": entry,
        "/method_A/z.mp4": entry,
    }
    (preview / "dataset.json").write_text(json.dumps(LISTED | more))
    assert refusals(list_source("dfdc_preview", preview, DEFAULT_OPTIONS)) == {
        "method_B/21/x_B.mp4": "named in dataset.json but not there",
        "method_A/11/y_A.mp4": "dataset.json does not name it",
        "method_A/link.mp4": LEAVES,
        "method_C/z.mp4": "it is not named like a video of the preview of DFDC",
        "method_A/../../outside.mp4": "it is not named like a video of the preview of DFDC",
        "/method_A/z.mp4": "it is not named like a video of the preview of DFDC",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "real"}, "contradicts its folder"),
        ({"label": 1}, "label real or fake, not 1"),
        ({"set": ["train"]}, "set train or test"),
        ({"target_id": {}}, "target_id"),
    ],
)
def test_the_preview_s_entries_are_not_trusted(preview, change, message):
    name = "method_A/11/12/x_A.mp4"
    (preview / "dataset.json").write_text(json.dumps(LISTED | {name: LISTED[name] | change}))
    with pytest.raises(InputError, match=message) as caught:
        list_dfdc_preview(preview, None)
    assert name in str(caught.value)


def test_a_wrong_root_of_the_preview_says_what_was_expected(tree, preview):
    with pytest.raises(InputError, match="original_videos/, method_A/ and method_B/"):
        list_dfdc_preview(tree, None)
    with pytest.raises(InputError, match="leave it out"):
        list_dfdc_preview(preview, preview)
