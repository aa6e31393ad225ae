"""Donors are other people in a similar pose; faces that cannot be forged are left out by name."""

import dataclasses

import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.forgeries import donors
from jaxfake.data.forgeries.donors import distances, find_forgeable, poses_of
from jaxfake.data.forgeries.forgery import Forgery
from jaxfake.runtime.errors import InputError

SWAP, TWIN = Forgery("face_swap", 1.0, 1.0), Forgery("twin", 1.0, 1.0)


def test_a_pose_is_the_same_elsewhere_turned_and_larger():
    rng = np.random.default_rng(0)
    face = rng.normal(size=(68, 2))
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    others = np.stack([3 * face @ turn + 40, face * [1, 0.8], rng.normal(size=(68, 2))])
    found = distances(poses_of(face[None])[0], poses_of(others))
    assert found[0] < 1e-3
    assert 0.02 < found[1] < 0.3
    assert found[2] > 0.5


def test_donors_are_other_people_and_nearer_than_by_chance(train):
    found = find_forgeable(train, [SWAP])
    rng, nearer = np.random.default_rng(0), []
    for place, row in enumerate(found.rows.tolist()):
        donor = found.draw_donor(rng, row)
        assert train.index.identity[donor] != train.index.identity[row]
        assert train.index.label[donor] == schema.REAL
        others = distances(found.poses[place], found.poses)[found.people != found.people[place]]
        chosen = distances(found.poses[place], found.poses[found.rows == donor])[0]
        nearer.append(np.mean(others < chosen))
    assert np.mean(nearer) < 0.2


class Unmarked(donors.FaceDataset):
    """A split in which some faces have no landmarks."""

    def landmarks(self, row):
        return super().landmarks(row) * (np.nan if row % 8 == 0 else 1)


def unmarked(faces):
    fields = dataclasses.fields(faces)
    return Unmarked(**{field.name: getattr(faces, field.name) for field in fields})


def test_faces_without_landmarks_are_left_out_by_name(train):
    found = find_forgeable(unmarked(train), [TWIN])
    reals = np.flatnonzero(train.index.label == schema.REAL)
    assert found.rows.tolist() == [row for row in reals if row % 8]
    assert found.left_out == tuple(
        (train.name(row), "it has no landmarks") for row in reals if row % 8 == 0
    )
    assert [found.has(row) for row in range(len(train))] == [
        row in found.rows for row in range(len(train))
    ]


class Damaged:
    """Records of which one cannot be read."""

    def __init__(self, source):
        self.source = source

    def __getitem__(self, row):
        if row == 8:
            raise ValueError("the checksum is wrong")
        return self.source[row]


def test_a_damaged_record_is_named(train):
    damaged = dataclasses.replace(train, source=Damaged(train.source))
    with pytest.raises(InputError, match=r"record 8 of split 'train' .* checksum is wrong"):
        find_forgeable(damaged, [TWIN])


def test_one_person_is_enough_for_kinds_without_a_donor_alone(train):
    alone = dataclasses.replace(
        train, index=train.index._replace(identity=np.full(len(train), "anna"))
    )
    find_forgeable(alone, [TWIN])
    with pytest.raises(InputError, match="face_swap takes a part of another person's face"):
        find_forgeable(alone, [TWIN, SWAP])


def test_a_split_without_real_faces_cannot_be_forged(train):
    fakes = dataclasses.replace(
        train, index=train.index._replace(label=np.full(len(train), schema.FAKE))
    )
    with pytest.raises(InputError, match=r"made from real faces, and split 'train' of .* has none"):
        find_forgeable(fakes, [TWIN])
