"""The layout of FaceForensics++: labels, splits, pairs, masks and originals, and its traps."""

import json
import shutil

import pytest

from jaxfake import schema
from jaxfake.data.dataset import open_split
from jaxfake.data.layouts.ffpp import list_ffpp
from jaxfake.data.layouts.registry import FFPP, SourceOptions
from jaxfake.data.preparation import coverage, coverage_text
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import Preparation, prepare
from jaxfake.runtime.errors import InputError

SPLITS = {"train": [["071", "054"]], "val": [["004", "982"]], "test": [["000", "003"]]}


@pytest.fixture
def tree(tmp_path):
    """Files of the official shape; their content is of no interest to the listing."""
    root = tmp_path / "ffpp"
    originals = root / "original_sequences/youtube/c23/videos"
    fakes = root / "manipulated_sequences"
    for folder, name in (
        (originals, "071"),
        (originals, "054"),
        (originals, "000"),
        (fakes / "Deepfakes/c23/videos", "071_054"),
        (fakes / "Deepfakes/c23/videos", "000_003"),
        (fakes / "Deepfakes/masks/videos", "000_003"),
        (fakes / "FaceSwap/c23/videos", "003_000"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.mp4").write_bytes(b"")
    (root / "splits").mkdir()
    for split, pairs in SPLITS.items():
        (root / "splits" / f"{split}.json").write_text(json.dumps(pairs))
    return root


def listed(root):
    return list_ffpp(root, root / "splits")


def test_each_video_has_its_label_split_and_pair(tree):
    files = {(file.method, file.video_id): file for file in listed(tree).files}
    assert {key: (file.label, file.split, file.identity) for key, file in files.items()} == {
        ("real", "054"): (schema.REAL, "train", "054_071"),
        ("real", "071"): (schema.REAL, "train", "054_071"),
        ("real", "000"): (schema.REAL, "test", "000_003"),
        ("Deepfakes", "071_054"): (schema.FAKE, "train", "054_071"),
        ("Deepfakes", "000_003"): (schema.FAKE, "test", "000_003"),
        ("FaceSwap", "003_000"): (schema.FAKE, "test", "000_003"),
    }


def test_masks_and_originals_are_those_of_the_target(tree):
    files = {(file.method, file.video_id): file for file in listed(tree).files}
    fake = files["Deepfakes", "000_003"]
    assert fake.mask.parts[-4:] == ("Deepfakes", "masks", "videos", "000_003.mp4")
    assert fake.original == files["real", "000"].path
    assert files["Deepfakes", "071_054"].mask is None
    assert files["FaceSwap", "003_000"].original is None  # 003.mp4 is not there
    real = files["real", "000"]
    assert (real.mask, real.original) == (None, None)


@pytest.mark.parametrize("name", ["071_003", "555_054", "071-054", "copy of 071_054"])
def test_a_video_of_no_official_pair_is_refused_by_name(tree, name):
    path = tree / "manipulated_sequences/Deepfakes/c23/videos" / f"{name}.mp4"
    path.write_bytes(b"")
    (refused,) = listed(tree).refused
    assert refused.relative.endswith(f"{name}.mp4")


def test_another_compression_is_taken_where_there_is_no_c23(tree):
    for folder in list(tree.rglob("c23")):
        folder.rename(folder.with_name("c40"))
    listing = listed(tree)
    assert len(listing.files) == 6
    assert listing.label.endswith("c40")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "splits/val.json").unlink(), "--protocol"),
        (lambda root: (root / "splits/val.json").write_text("{"), "is not readable JSON"),
        (lambda root: (root / "splits/val.json").write_text('[["1", "2"]]'), "pairs of ids"),
        (lambda root: (root / "splits/val.json").write_text('{"a": 1}'), "pairs of ids"),
        (lambda root: (root / "splits/val.json").write_text('[["071", "982"]]'), "twice"),
        (lambda root: shutil.rmtree(root / "original_sequences"), "expected:"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_what_was_expected(tree, damage, message):
    damage(tree)
    with pytest.raises(InputError, match=message):
        listed(tree)


def test_the_real_clips_with_derived_masks(shared_data, face_models, tmp_path):
    wanted = Preparation(
        source=shared_data / "ffpp",
        out=tmp_path / "out",
        crops=CropOptions(size=64, frames=2, storage="png", derive=0.1),
        dataset=FFPP,
        source_options=SourceOptions(protocol=shared_data / "protocols" / "ffpp"),
        workers=1,
    )
    result = prepare(wanted)
    counts = result.coverage.coverage
    found = {split: [m for m, n in by.items() if n["found"]] for split, by in counts.items()}
    assert found == {
        "test": [],
        "train": ["Deepfakes", "real"],
        "val": ["NeuralTextures", "real"],
    }
    assert counts["train"]["real"]["official"] == 720
    assert {split: by["Deepfakes"]["masks"] for split, by in counts.items()} == {
        "test": 0,
        "train": 1,
        "val": 0,
    }
    assert counts["train"]["Deepfakes"]["masked_crops"] == 2
    assert "masks" not in counts["train"]["real"]
    assert "720" in "".join(coverage_text.table(result.coverage))
    assert coverage.too_few(result.coverage, 0.5).startswith("Deepfakes of test: 0 of 140")
    assert coverage.too_few(result.coverage, 0.0) == ""
    train = open_split(tmp_path / "out", "train", 64)
    for row in range(len(train)):
        example = train[row]
        assert (example.dataset, example.has_mask) == ("ffpp", True)
        assert example.forgery_mask.any() == (example.label == schema.FAKE)
        assert example.matrix[0, 0] > 0
    assert "derived" in coverage.ground_truth(result.dataset)


def test_without_the_option_nothing_is_derived(shared_data, face_models, tmp_path):
    wanted = Preparation(
        source=shared_data / "ffpp",
        out=tmp_path / "out",
        crops=CropOptions(size=64, frames=1, storage="raw"),
        dataset=FFPP,
        source_options=SourceOptions(protocol=shared_data / "protocols" / "ffpp"),
        workers=1,
    )
    result = prepare(wanted)
    assert result.coverage.coverage["train"]["Deepfakes"]["masks"] == 0
    folder = result.dataset
    train = open_split(tmp_path / "out", "train", 64)
    assert {train[row].has_mask for row in range(len(train)) if train[row].label} == {False}
    assert coverage.ground_truth(folder) == coverage.GIVEN_MASKS
