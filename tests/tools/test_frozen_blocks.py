"""Probes on frozen blocks: which of them tell, and from which fakes."""

import dataclasses

import numpy as np
import pytest

from jaxfake.data.forgeries.forgery import KINDS
from tests.in_memory import build_dataset
from tools.frozen_blocks.faces import BLENDED, FAKE, REAL
from tools.frozen_blocks.probes import Features, equal_shares, likeness, probe_row, probe_rows

WIDTH, DEPTH, FACES = 4, 3, 40


def split(name):
    groups = [("real", f"{name}/real/{n}", 0, 1) for n in range(FACES)]
    faces = build_dataset([*groups, *(("swap", f"{name}/fake/{n}", 1, 1) for n in range(FACES))])
    return dataclasses.replace(faces, split=name)


def drawn(seed, told_by=None):
    """Noise, and in one block something that tells."""
    found = np.random.default_rng(seed).normal(size=(FACES, DEPTH, WIDTH))
    if told_by is not None:
        found[:, told_by - 1] += 3
    return found.astype(np.float16)


@pytest.fixture(scope="module")
def features():
    """The dataset's fakes are told by block 2, forgeries by block 3, but twins by block 2 as well."""
    val, test = split("val"), split("test")
    labelled = {
        one.split: np.concatenate([drawn(seed), drawn(seed + 1, told_by=2)])
        for seed, one in ((0, val), (2, test))
    }
    forged = {kind: drawn(10 + i, 2 if kind == "twin" else 3) for i, kind in enumerate(KINDS)}
    own = {REAL: drawn(4), FAKE: drawn(5, told_by=2), BLENDED: drawn(6)}
    return Features(labelled | own | forged, val, test)


def test_the_block_that_tells_is_found(features):
    areas = {
        block: probe_row(features, "", REAL, [FAKE], (block,)).test.value for block in (1, 2, 3)
    }
    assert areas[2] > 0.99
    assert max(areas[1], areas[3]) < 0.75


def test_forgeries_tell_as_far_as_they_are_like_the_fakes(features):
    rows = {row.trained_on: row for row in probe_rows(features, (2, 3))}
    plain = rows["the same, no real blended with itself"].test.value
    assert plain == pytest.approx(rows["forgeries of all kinds"].test.value, abs=0.1)
    assert rows["twin alone"].test.value > 0.95
    assert rows["all kinds but twin"].test.value < 0.75
    assert {row.blocks for row in rows.values()} == {(2, 3)}
    one = rows["twin alone"].test
    assert (one.n_real, one.n_fake) == (FACES, FACES)


def test_the_probe_of_the_fakes_says_which_forgeries_are_like_them(features):
    alike = likeness(features, (2, 3))
    assert set(alike) == set(KINDS)
    assert alike["twin"].value > 0.95
    assert all(one.value < 0.75 for kind, one in alike.items() if kind != "twin")


def test_several_kinds_are_as_many_faces_as_one():
    sets = [np.full((7, 1), kind) for kind in range(3)]
    assert np.bincount(equal_shares(sets).ravel()).tolist() == [3, 2, 2]
