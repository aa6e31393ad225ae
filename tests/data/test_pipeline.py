"""Batches replay exactly, hold what they should, and fill up their last one."""

import dataclasses
import multiprocessing
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data import pipeline
from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.runtime.errors import InputError
from tests.tiny import tiny_example

SIZE = 32


@pytest.fixture(scope="module")
def train(tiny_root: Path) -> FaceDataset:
    return open_split(tiny_root, "train", SIZE)


AUGMENTATION = pipeline.Augmentation(smallest_crop=0.8, photometric=0.5)


def _batches(
    train: FaceDataset, classes=(schema.REAL,), batch=8, seed=0, augmentation=AUGMENTATION
):
    return pipeline.training_batches(train, classes, batch, seed, augmentation)


def _same(one, other) -> bool:
    return all(np.array_equal(one[key], other[key]) for key in one)


def test_the_stored_example_comes_back_as_it_was(train: FaceDataset) -> None:
    for row in (0, 5, 17):
        stored, made = train[row], tiny_example("train", row)
        for got, want in zip(stored, made, strict=True):
            np.testing.assert_array_equal(got, want)


def test_batch_n_is_the_same_whenever_and_however_it_is_asked_for(train: FaceDataset) -> None:
    batches = _batches(train)
    expected = [batches[n] for n in range(12)]  # more than two epochs of 48 real faces
    for threads in (1, 4):
        got = list(pipeline.iterate(_batches(train), 0, 12, threads))
        assert len(got) == 12
        assert all(_same(a, b) for a, b in zip(expected, got, strict=True))
    resumed = list(pipeline.iterate(_batches(train), 7, 12, threads=2))
    assert all(_same(a, b) for a, b in zip(expected[7:], resumed, strict=True))


def test_worker_processes_give_the_same_batches(train: FaceDataset) -> None:
    expected = [_batches(train)[n] for n in range(3, 7)]
    got = list(pipeline.iterate(_batches(train), 3, 7, threads=1, workers=2))
    assert all(_same(a, b) for a, b in zip(expected, got, strict=True))


# Grain frees shared memory in finalisers, which may run while Python's resource tracker is at work:
# a ReentrantCallError of CPython 3.12, printed and without effect.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_that_is_killed_is_named_as_that(train: FaceDataset) -> None:
    batches = pipeline.iterate(_batches(train), 0, 10_000, threads=1, workers=1)
    before = set(multiprocessing.active_children())
    next(batches)
    for worker in set(multiprocessing.active_children()) - before:
        worker.kill()
    with pytest.raises(pipeline.WorkerKilled, match="was killed"):
        for _ in batches:
            pass


def test_several_processes_share_the_rows_of_one_global_batch(
    train: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [_batches(train)[n] for n in range(5)]
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    parts = []
    for process in range(2):
        monkeypatch.setattr(jax, "process_index", lambda process=process: process)
        parts.append([_batches(train)[n] for n in range(5)])
    for n in range(5):
        joined = {k: np.concatenate([part[n][k] for part in parts]) for k in whole[n]}
        assert _same(whole[n], joined)


def test_seeds_and_epochs_differ(train: FaceDataset) -> None:
    first, second = _batches(train), _batches(train, seed=1)
    assert not _same(first[0], second[0])
    epoch = 48 // 8
    orders = [
        np.concatenate([first[e * epoch + n][schema.ROW] for n in range(epoch)]) for e in range(2)
    ]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(np.flatnonzero(train.index.label == 0))
    assert not np.array_equal(*orders)


def test_classes_are_mixed_in_equal_share(train: FaceDataset) -> None:
    batches = _batches(train, (schema.REAL, schema.FAKE))
    for n in range(4):
        assert batches[n][schema.LABEL].sum() == 4


def test_manipulations_share_the_fakes_however_many_there_are_of_each(train: FaceDataset) -> None:
    fakes = np.flatnonzero(train.index.label == schema.FAKE)
    method = train.index.method.astype("U10")
    method[fakes] = "common"
    method[fakes[:6]], method[fakes[6:7]] = "rare", "single"
    unequal = dataclasses.replace(train, index=train.index._replace(method=method))
    batches = _batches(unequal, (schema.REAL, schema.FAKE))
    got = [batches[n] for n in range(30)]
    assert all(3 <= batch[schema.LABEL].sum() <= 5 for batch in got)
    names = method[np.concatenate([batch[schema.ROW] for batch in got])]
    shares = {name: np.mean(names == name) for name in np.unique(names)}
    assert shares == pytest.approx(
        {"real": 1 / 2, "common": 1 / 6, "rare": 1 / 6, "single": 1 / 6}, abs=0.01
    )


def test_the_share_of_degraded_faces_is_as_asked(train: FaceDataset) -> None:
    batches = [
        _batches(train, batch=48, augmentation=pipeline.Augmentation(0.8, share))[0]
        for share in (0.0, 0.5, 1.0)
    ]
    plain, half, full = batches
    changed = [(b[schema.IMAGE] != plain[schema.IMAGE]).any((1, 2, 3)) for b in (half, full)]
    assert 0.25 < changed[0].mean() < 0.75
    assert changed[1].all()
    for batch in (half, full):  # the face stays where it was
        np.testing.assert_array_equal(batch[schema.LANDMARKS], plain[schema.LANDMARKS])


def test_stage_one_reads_real_faces_only(train: FaceDataset) -> None:
    for n in range(6):
        assert not _batches(train)[n][schema.LABEL].any()


def test_a_fake_where_a_real_face_was_promised_stops_with_its_name(train: FaceDataset) -> None:
    wrong = dataclasses.replace(
        train, index=train.index._replace(label=np.zeros_like(train.index.label))
    )
    with pytest.raises(InputError, match=r"tiny/swap/train\d+ frame \d has label 1"):
        list(pipeline.iterate(_batches(wrong), 0, 6, threads=2))


def test_a_split_without_real_faces_is_refused(train: FaceDataset) -> None:
    unknown = np.full_like(train.index.label, schema.UNKNOWN)
    wrong = dataclasses.replace(train, index=train.index._replace(label=unknown))
    with pytest.raises(InputError, match="no real faces"):
        pipeline.rows_of(wrong, schema.REAL)


def test_the_last_evaluation_batch_is_padded_and_says_so(train: FaceDataset) -> None:
    rows = np.arange(3, 22)
    batches = pipeline.evaluation_batches(train, rows, 8)
    got = list(pipeline.iterate(batches, 0, len(batches), threads=2))
    assert [len(batch[schema.ROW]) for batch in got] == [8, 8, 8]
    valid = np.concatenate([batch[schema.VALID] for batch in got])
    seen = np.concatenate([batch[schema.ROW] for batch in got])
    np.testing.assert_array_equal(seen[valid], rows)
    assert valid.sum() == len(rows)


def test_evaluation_seeds_depend_on_the_face_alone(train: FaceDataset) -> None:
    rows = np.arange(16)
    seeds = pipeline.evaluation_batches(train, rows, 16)[0][schema.MASK_SEED]
    backwards = pipeline.evaluation_batches(train, rows[::-1], 4)[3][schema.MASK_SEED]
    np.testing.assert_array_equal(seeds[:4], backwards[::-1])
    assert len(set(seeds.tolist())) == 16


def test_opening_what_is_not_there(tiny_root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        open_split(tmp_path / "nowhere", "train", SIZE)
    with pytest.raises(InputError, match="no prepared dataset"):
        open_split(tmp_path, "train", SIZE)
    with pytest.raises(InputError, match="no examples in its split 'dev'"):
        open_split(tiny_root, "dev", SIZE)
    with pytest.raises(InputError, match=r"set --config\.data\.size=32"):
        open_split(tiny_root, "train", 64)


def test_the_index_is_kept_and_gives_the_same_fingerprint(tiny_root: Path) -> None:
    first = open_split(tiny_root, "val", SIZE)
    sidecar = first.folder / "index-val.npz"
    assert sidecar.exists()
    again = open_split(tiny_root, "val", SIZE)
    sidecar.unlink()
    rescanned = open_split(tiny_root, "val", SIZE)
    assert first.digest == again.digest == rescanned.digest
    assert first.digest != open_split(tiny_root, "test", SIZE).digest
