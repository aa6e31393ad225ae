"""Opening a training set: nobody, and no picture, may be in two splits."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxfake.data.dataset import leave_out, open_split
from jaxfake.data.preparation import coverage
from jaxfake.data.preparation.coverage import Coverage
from jaxfake.data.records import FILE_FORMAT, encode, face_features
from jaxfake.data.split_check import check_splits
from jaxfake.experiment import open_data
from jaxfake.reporting.split_facts import split_facts, split_warning
from jaxfake.runtime.errors import InputError
from tests.tiny import TINY, TINY_CLIPS, TINY_FRAMES, tiny_config, tiny_example


class Shared(tfds.core.GeneratorBasedBuilder):
    """The tiny dataset, of which some examples of two splits have something in common."""

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, changes: dict[tuple[str, int], dict[str, Any]], **options: Any) -> None:
        self._changes = changes
        super().__init__(**options)

    def _info(self) -> tfds.core.DatasetInfo:
        kinds = face_features(TINY)
        return tfds.core.DatasetInfo(builder=self, features=kinds, disable_shuffling=True)

    def _split_generators(self, _: Any) -> dict[str, Any]:
        return {split: self._generate_examples(split) for split in TINY_CLIPS}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(TINY_CLIPS[split] * TINY_FRAMES):
            example = tiny_example(split, number)
            yield number, encode(example._replace(**self._changes.get((split, number), {})))


def built(folder: Path, changes: dict[tuple[str, int], dict[str, Any]]) -> Path:
    builder = Shared(changes, data_dir=folder, file_format=FILE_FORMAT)
    builder.download_and_prepare()
    return folder


PERSON = {("test", 3): {"identity": "train0"}}
PICTURE = {("val", 5): {"image": tiny_example("train", 7).image}}


def test_a_sound_dataset_opens_and_its_people_are_counted(tiny_root):
    check = open_data.training_splits(tiny_config(tiny_root)).check
    people = {split: clips // 2 for split, clips in TINY_CLIPS.items()}
    assert check.json() == {
        "identities": people,
        "checked": ["test", "train", "val"],
        "not_checked": {},
        "by_authors": False,
        "shared_identities": 0,
        "shared_pictures": 0,
    }
    assert not split_warning(check)
    assert dict(split_facts(check))["people"] == "12 in train, 4 in val, 4 in test"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (PERSON, r"share 1 people, such as train0 \(train, test\)"),
        (PICTURE, r"share 1 pictures, such as .*train01.* \(train\), which is .*val01.* \(val\)"),
    ],
    ids=["person", "picture"],
)
def test_what_two_splits_share_is_refused_by_name(tmp_path, changes, named):
    root = built(tmp_path, changes)
    with pytest.raises(InputError, match=named):
        open_data.training_splits(tiny_config(root))


def test_splits_that_the_authors_made_stand_and_are_said_to_share(tmp_path):
    root = built(tmp_path / "out", PERSON | PICTURE)
    version = root / "shared" / "1.0.0"
    made = Coverage("celebdf", {"source": "celebdf"}, {}, {}, "", {}, [])
    coverage.write(version, made)
    check = open_data.training_splits(tiny_config(root)).check
    assert (len(check.people), len(check.pictures)) == (1, 1)
    (warning,) = split_warning(check)
    assert "its authors' own splits share 1 people and 1 pictures" in warning
    coverage.write(version, dataclasses.replace(made, settings={"source": "folder"}))
    with pytest.raises(InputError, match="share"):
        open_data.training_splits(tiny_config(root))


def test_a_split_that_cannot_be_read_is_said_not_to_be_checked(tiny_root, tmp_path):
    root = Path(shutil.copytree(tiny_root, tmp_path / "data"))
    for file in root.rglob("*-test*"):
        file.unlink()
    check = open_data.training_splits(tiny_config(root)).check
    assert list(check.json()["not_checked"]) == ["test"]
    assert check.json()["checked"] == ["train", "val"]
    assert any(name == "not checked" and "test" in value for name, value in split_facts(check))


@pytest.mark.parametrize("damage", [b"", b"no digests", b"\x93NUMPY"])
def test_digests_that_are_missing_or_damaged_are_made_anew(tiny_root, tmp_path, damage):
    """Data of earlier versions had none. What checkpoints name the data by stays the same."""
    root = Path(shutil.copytree(tiny_root, tmp_path / "data"))
    first = open_split(root, "val", TINY)
    (path,) = root.rglob("pictures_val.npy")
    path.write_bytes(damage) if damage else path.unlink()
    again = open_split(root, "val", TINY)
    assert again.digest == first.digest
    np.testing.assert_array_equal(again.content, first.content)
    assert len(np.unique(first.content)) == len(first)


def test_the_digests_follow_the_rows(tiny_root):
    faces = open_split(tiny_root, "val", TINY)
    fewer = leave_out(faces, "swap")
    assert fewer.content is not None
    assert faces.content is not None
    assert fewer.content.tolist() == faces.content[faces.index.label == 0].tolist()


def test_the_check_of_one_split_is_json(tiny_root):
    faces = open_split(tiny_root, "test", TINY)
    json.dumps(check_splits([faces]).json())
