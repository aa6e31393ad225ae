"""Forged training faces replay by (seed, row, turn), and have their share of the batches."""

import dataclasses

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data import pipeline
from jaxfake.data.dataset import without_fakes
from jaxfake.data.forgeries.chain import Forger, draw_forgery, make_forger
from jaxfake.data.forgeries.forgery import ALL_GUARDS, KINDS, Forgery, Guards
from jaxfake.runtime.errors import InputError

ALL = tuple(Forgery(kind, 1 / len(KINDS), 1.0) for kind in KINDS)
BOTH = (schema.REAL, schema.FAKE)
PLAIN = pipeline.Augmentation(smallest_crop=1.0, photometric=0.0)
VARIED = pipeline.Augmentation(smallest_crop=0.8, photometric=0.5)


def forger(faces, mixture=ALL, seed=0, guards=ALL_GUARDS) -> Forger:
    return make_forger(faces, mixture, seed, guards)


def batches(faces, mixture, augmentation=PLAIN, size=8, seed=0):
    return pipeline.training_batches(
        faces, BOTH, size, seed, augmentation, forger(faces, mixture, seed)
    )


def same(one, other):
    return all(np.array_equal(one[key], other[key]) for key in one)


def stored_or_mirrored(faces, row, image):
    """The stored picture of a row, mirrored if that is nearer to `image`."""
    stored = faces[int(row)].image
    views = (stored, stored[:, ::-1])
    return min(views, key=lambda view: int(np.abs(view.astype(int) - image).sum()))


def test_a_forged_face_is_a_function_of_seed_row_and_turn(train):
    first, again, reseeded = forger(train), forger(train), forger(train, seed=1)
    row = int(first.forgeable.rows[3])
    for forgery in ALL:
        made = first.forged(forgery, row, 2)
        again.forged(forgery, row, 1)  # whatever was made before
        np.testing.assert_array_equal(made.image, again.forged(forgery, row, 2).image)
        for other in (first.forged(forgery, row, 3), reseeded.forged(forgery, row, 2)):
            assert not np.array_equal(made.image, other.image)
        assert (made.label, made.method, made.has_mask) == (schema.FAKE, forgery.kind, True)
        outside = made.forgery_mask == 0
        np.testing.assert_array_equal(made.image[outside], train[row].image[outside])


def test_batches_replay_on_threads_and_in_worker_processes(train):
    expected = [batches(train, ALL, VARIED)[n] for n in range(2, 6)]
    for threads, workers in ((4, 0), (1, 1)):
        made = pipeline.iterate(batches(train, ALL, VARIED), 2, 6, threads, workers)
        assert all(same(*pair) for pair in zip(expected, made, strict=True))
    assert not same(expected[0], batches(train, ALL, VARIED, seed=1)[2])


def test_forgeries_have_their_shares_and_the_datasets_own_fakes_the_rest(train):
    mixture = (Forgery("self_blend", 0.5, 1.0), Forgery("twin", 0.25, 1.0))
    seen = shares(batches(train, mixture), 16)
    own = set(train.index.method) - {"real"}
    assert seen.pop("real") == 0.5
    assert seen.pop("self_blend") == pytest.approx(0.25, abs=0.02)
    assert seen.pop("twin") == pytest.approx(0.125, abs=0.02)
    assert seen == {name: pytest.approx(0.125 / len(own), abs=0.02) for name in own}


def test_where_there_are_no_fakes_forgeries_fill_the_class(train):
    mixture = (Forgery("reenact", 0.4, 1.0), Forgery("shallow", 0.2, 1.0))
    seen = shares(batches(without_fakes(train), mixture), 16)
    assert seen == {
        "real": 0.5,
        "reenact": pytest.approx(1 / 3, abs=0.02),
        "shallow": pytest.approx(1 / 6, abs=0.02),
    }


def shares(chain, count):
    """The share of each manipulation in some batches."""
    names = {int(pipeline._hashes([(name,)])[0]): name for name in (*KINDS, "real", *TOYS)}
    drawn = [names[int(one)] for n in range(count) for one in chain[n][schema.MANIPULATION]]
    return {name: drawn.count(name) / len(drawn) for name in set(drawn)}


TOYS = ("eyes", "cheek_nose", "lips", "upper_face")


def test_each_turn_forges_every_face_once(train):
    mixture = (Forgery("self_blend", 1.0, 1.0),)
    chain = batches(train, mixture)
    epoch = len(forger(train).forgeable.rows) // 4  # half of each batch of 8
    for turn in range(2):
        rows = []
        for n in range(turn * epoch, (turn + 1) * epoch):
            rows += chain[n][schema.ROW][chain[n][schema.LABEL] == schema.FAKE].tolist()
        assert sorted(rows) == forger(train).forgeable.rows.tolist()


def test_in_batches_too_only_the_mask_is_changed(train):
    chain = batches(train, ALL)
    for n in range(6):
        batch = chain[n]
        for at in np.flatnonzero(batch[schema.LABEL] == schema.FAKE):
            if train.index.label[batch[schema.ROW][at]] == schema.REAL:
                image = batch[schema.IMAGE][at]
                outside = batch[schema.FORGERY_MASK][at] == 0
                stored = stored_or_mirrored(train, batch[schema.ROW][at], image)
                np.testing.assert_array_equal(image[outside], stored[outside])
                assert outside.mean() > 0.2
        assert not batch[schema.FORGERY_MASK][batch[schema.LABEL] == schema.REAL].any()


def test_real_faces_are_blended_with_themselves_at_the_rate_of_the_guard(train):
    for rate, expected in ((0.0, 0), (1.0, 1), (0.5, 0.5)):
        made = forger(train, guards=Guards(self_blended=rate))
        blended = [
            not np.array_equal(made.real(row, turn).image, train[row].image)
            for row in made.forgeable.rows.tolist()
            for turn in range(4)
        ]
        assert np.mean(blended) == pytest.approx(expected, abs=0.15 * (0 < rate < 1))
        example = made.real(int(made.forgeable.rows[0]), 0)
        assert (example.label, example.method) == (schema.REAL, "real")
        assert not example.forgery_mask.any()


def test_without_the_guards_more_than_the_mask_is_changed(train):
    twin = (Forgery("twin", 1.0, 1.0),)
    for guards in (Guards(pristine=False), Guards(symmetric=False)):
        made, changed = forger(train, twin, guards=guards), []
        for row in made.forgeable.rows.tolist():
            forged = made.forged(twin[0], row, 0)
            outside = forged.forgery_mask == 0
            changed.append((forged.image != train[row].image)[outside].any())
        assert np.mean(changed) > 0.3


def test_stage_one_never_sees_a_forgery(train):
    chain = pipeline.training_batches(train, (schema.REAL,), 8, 0, PLAIN)
    for n in range(3):
        images, rows = chain[n][schema.IMAGE], chain[n][schema.ROW]
        for image, row in zip(images, rows, strict=True):
            np.testing.assert_array_equal(image, stored_or_mirrored(train, row, image))


def test_a_fake_that_is_called_real_stops_with_its_name(train):
    wrong = dataclasses.replace(
        train, index=train.index._replace(label=np.zeros_like(train.index.label))
    )
    made, fake = forger(wrong), int(np.flatnonzero(train.index.label == schema.FAKE)[0])
    with pytest.raises(InputError, match="has label 1"):
        made.forged(ALL[0], fake, 0)


def test_kinds_are_drawn_by_their_shares():
    mixture = (Forgery("twin", 0.3, 1.0), Forgery("shallow", 0.1, 1.0))
    rng = np.random.default_rng(0)
    drawn = [draw_forgery(rng, mixture).kind for _ in range(400)]
    assert drawn.count("twin") / 400 == pytest.approx(0.75, abs=0.06)
    assert set(drawn) == {"twin", "shallow"}
