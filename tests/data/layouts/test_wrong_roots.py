"""A source that is not the dataset: every one of them says in one line what it should look like."""

import pytest

from jaxfake.data.layouts.registry import DATASETS, DEFAULT_OPTIONS, list_source
from jaxfake.runtime.errors import InputError
from tests.data.layouts.trees import TREES

FOLDERS = {
    "ffpp": ("original_sequences/youtube/c23/videos", "manipulated_sequences/METHOD/c23/videos"),
    "dfd": ("original_sequences/actors/c23/videos", "manipulated_sequences/DeepFakeDetection"),
    "celebdf": ("Celeb-real/", "YouTube-real/", "Celeb-synthesis/", "List_of_testing_videos.txt"),
    "dfdc": ("dfdc_train_part_N/", "metadata.json", "validation/", "test/", "labels.csv"),
    "dfdc_preview": ("dataset.json", "original_videos/", "method_A/", "method_B/"),
    "deeperforensics": ("manipulated_videos/end_to_end/", "lists/splits/train.txt"),
    "wilddeepfake": ("real_train/", "fake_train/", "ARCHIVE/CLASS/SEQUENCE/*.png"),
    "deepfakebench": ("DATASET/.../frames/VIDEO/*.png", "dataset_json/*.json"),
}
"""What of the layout each message shows."""


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """All of them side by side, each in a folder of its name."""
    above = tmp_path_factory.mktemp("datasets")
    for name, plant in TREES.items():
        (above / name / "copy").mkdir(parents=True)
        plant(above / name / "copy")
    return above


def refused(dataset, root):
    with pytest.raises(InputError) as caught:
        list_source(dataset, root, DEFAULT_OPTIONS)
    return str(caught.value)


def test_every_dataset_with_a_layout_is_here():
    assert {"folder", "csv", *TREES} == {"folder", "csv", *FOLDERS} == set(DATASETS)


@pytest.mark.parametrize("dataset", TREES)
def test_the_right_root_is_taken(trees, dataset):
    assert list_source(dataset, trees / dataset / "copy", DEFAULT_OPTIONS).files


@pytest.mark.parametrize("dataset", TREES)
def test_a_root_too_high_too_low_empty_or_not_there_shows_the_layout(trees, dataset, tmp_path):
    right = trees / dataset / "copy"
    below = [path for path in right.iterdir() if path.is_dir()]
    for root in (right.parent, trees, tmp_path, tmp_path / "nowhere", *below):
        said = refused(dataset, root)
        assert "\n" not in said
        assert str(root) in said
        assert "expected:" in said
        assert all(folder in said for folder in FOLDERS[dataset]), said
    assert "it holds copy/" in refused(dataset, right.parent)
    assert "it is empty" in refused(dataset, tmp_path)
    assert "the folder does not exist" in refused(dataset, tmp_path / "nowhere")


@pytest.mark.parametrize("dataset", TREES)
def test_another_dataset_shows_the_layout(trees, dataset):
    for other in TREES:
        if other != dataset:
            said = refused(dataset, trees / other / "copy")
            assert "expected:" in said
            assert all(folder in said for folder in FOLDERS[dataset]), said


def test_a_file_is_no_source(tmp_path):
    (tmp_path / "FF.zip").write_bytes(b"")
    for dataset in TREES:
        assert "the folder does not exist" in refused(dataset, tmp_path / "FF.zip")


def test_archives_that_nobody_unpacked_are_pointed_out(tmp_path):
    (tmp_path / "Celeb-DF-v2.zip").write_bytes(b"")
    for dataset in TREES:
        assert "Celeb-DF-v2.zip (unpack the archives)" in refused(dataset, tmp_path)


def test_a_name_that_would_break_the_line_is_shown_in_one(tmp_path):
    (tmp_path / "a\n\x1b[31mb").mkdir()
    for dataset in TREES:
        assert refused(dataset, tmp_path).isprintable()
