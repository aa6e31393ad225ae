"""A forged set on disk: the same bytes for the same seed, exact masks, and no other set in its place."""

import dataclasses
import json

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.data.forgeries.freeze import Freezing, freeze
from jaxfake.data.preparation import coverage
from jaxfake.data.split_check import check_splits
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.progress import Progress
from tests.data.written import contents


@pytest.fixture(scope="module")
def wanted(toy_root, tmp_path_factory):
    out = tmp_path_factory.mktemp("frozen") / "out"
    return Freezing(toy_root, out, ("self_blend", "face_swap"), seed=3)


@pytest.fixture(scope="module")
def frozen(wanted):
    return freeze(wanted)


def test_it_is_a_prepared_dataset_with_exact_masks(frozen, wanted, toy_root):
    for split in ("train", "val", "test"):
        forged, source = open_split(wanted.out, split, 64), open_split(toy_root, split, 64)
        reals = np.flatnonzero(source.index.label == schema.REAL)
        assert len(forged) == 2 * len(reals)
        for place, row in enumerate(reals.tolist()):
            fake, real = forged[len(reals) + place], source[row]
            assert fake.label == schema.FAKE
            assert fake.dataset == "toyfaces_forged"
            outside = fake.forgery_mask == 0
            np.testing.assert_array_equal(fake.image[outside], real.image[outside])
            assert (fake.image != real.image)[~outside].any()
            assert (fake.identity, fake.video_id) == (real.identity, real.video_id)
    assert check_splits([open_split(wanted.out, "train", 64)]).people == ()


def test_coverage_says_what_it_is(frozen):
    found = coverage.load(frozen.dataset)
    assert found == coverage.load(frozen.dataset.parent.parent)
    assert found.settings["kinds"] == ["self_blend", "face_swap"]
    train = found.coverage["train"]
    assert [train[name]["crops"] for name in ("real", "self_blend", "face_swap")] == [24, 12, 12]
    assert "made from the real faces of toyfaces" in coverage.caveats(frozen.dataset)[0]
    assert "exact" in coverage.ground_truth(frozen.dataset)
    assert coverage.manifest(frozen.dataset) == found.manifest != ""


def test_the_same_command_does_nothing_and_makes_the_same_bytes(frozen, wanted, tmp_path):
    assert frozen.newly_made
    before = contents(wanted.out)
    assert not freeze(wanted).newly_made
    assert contents(wanted.out).keys() >= before.keys()
    elsewhere = Freezing(wanted.source, tmp_path / "again", wanted.kinds, wanted.seed)
    records = {name: data for name, data in before.items() if "array_record" in name}
    made = freeze(elsewhere).dataset
    assert {name: contents(tmp_path / "again")[name] for name in records} == records
    assert json.loads((made / "coverage.json").read_text())["written"]


def test_a_damaged_set_is_made_again(frozen, wanted):
    shard = next(frozen.dataset.glob("*val.array_record*"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert freeze(wanted).newly_made
    assert shard.read_bytes() == whole


def test_faces_without_landmarks_are_counted_and_named(wanted, tmp_path, monkeypatch):
    known = FaceDataset.landmarks
    monkeypatch.setattr(
        FaceDataset, "landmarks", lambda faces, row: known(faces, row) * (np.nan if row == 0 else 1)
    )
    made = freeze(dataclasses.replace(wanted, out=tmp_path / "out")).coverage
    assert [made.coverage[split]["real"]["crops"] for split in ("train", "val", "test")] == [
        23,
        3,
        3,
    ]
    assert len(made.files) == 3
    assert made.files[0]["file"].startswith("toyfaces/real/train0000")
    assert made.files[0]["status"] == "not forged: it has no landmarks"


def test_one_that_was_interrupted_begins_anew(frozen, wanted, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "advance", interrupted)
        with pytest.raises(Preempted):
            freeze(dataclasses.replace(wanted, out=tmp_path / "out"))
    assert not (tmp_path / "out" / "folder").exists()
    made = freeze(dataclasses.replace(wanted, out=tmp_path / "out"))
    assert made.coverage.written == frozen.coverage.written
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"coverage.json", "folder"}


def test_what_was_made_otherwise_is_not_replaced(frozen, wanted, toy_root):
    other = Freezing(wanted.source, wanted.out, wanted.kinds, seed=4)
    with pytest.raises(InputError, match="was prepared with seed=3"):
        freeze(other)
    with pytest.raises(InputError, match="another folder"):
        freeze(Freezing(toy_root, toy_root, wanted.kinds, seed=3))
