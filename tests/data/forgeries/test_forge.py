"""Every kind changes a face inside of its mask alone, and the same draws give the same forgery."""

import numpy as np
import pytest

from jaxfake.data.forgeries.forge import NEED_DONOR, blend_with_itself, forge
from jaxfake.data.forgeries.forgery import KINDS, CannotForge, Face

DRAWS = 12
"""Forgeries of each kind: enough that all parts, codecs and edits occur."""


def photograph(rng, landmarks):
    """A face with the grain of a photograph: the worst case for pixels that should not change."""
    return Face(rng.integers(0, 256, (96, 96, 3), np.uint8), landmarks)


def forgeries(kind, people, strength=1.0):
    for draw in range(DRAWS):
        face, donor = people[draw % len(people)], people[(draw + 1) % len(people)]
        if draw % 3 == 2:
            face = photograph(np.random.default_rng(draw), face.landmarks)
        rng = np.random.default_rng(draw)
        yield face, forge(rng, face, donor if kind in NEED_DONOR else None, kind, strength)


@pytest.mark.parametrize("kind", KINDS)
def test_outside_of_the_mask_every_pixel_is_that_of_the_face(kind, people):
    for face, forged in forgeries(kind, people):
        assert forged.image.dtype == np.uint8
        assert forged.image.shape == face.image.shape
        outside = forged.mask == 0
        np.testing.assert_array_equal(forged.image[outside], face.image[outside])
        np.testing.assert_array_equal(outside, forged.share == 0)
        assert 0 < forged.share.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_forgery_is_seen_and_stays_in_the_face(kind, people):
    for face, forged in forgeries(kind, people):
        inside = forged.mask > 0
        change = np.abs(forged.image.astype(int) - face.image)[inside]
        assert change.mean() >= 1
        assert 0.003 < inside.mean() < 0.7
        middle = np.argwhere(inside).mean(0)[::-1]
        low, high = face.landmarks.min(0), face.landmarks.max(0)
        assert (low < middle).all()
        assert (middle < high).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_draws_give_the_same_forgery_and_others_another(kind, people):
    donor = people[1]
    first, again, other = (
        forge(np.random.default_rng(seed), people[0], donor, kind) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.share, again.share)
    assert first.parameters == again.parameters
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("kind", KINDS)
def test_neither_face_is_changed_in_place(kind, people):
    for face in people[:2]:
        face.image.setflags(write=False)
        face.landmarks.setflags(write=False)
    forge(np.random.default_rng(1), people[0], people[1], kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weak_forgery_changes_less(kind, people):
    weak, strong = (
        sum(
            np.abs(forged.image.astype(int) - face.image).sum()
            for face, forged in forgeries(kind, people, strength)
        )
        for strength in (0.3, 1.0)
    )
    assert weak < 0.8 * strong


@pytest.mark.parametrize("kind", KINDS)
def test_blended_with_itself_a_face_is_the_same_but_for_one_interpolation(kind, people):
    for seed in range(3):
        face, donor = people[seed], people[seed + 1]
        forged = forge(np.random.default_rng(seed), face, donor, kind)
        kept = blend_with_itself(np.random.default_rng(seed), face, donor, kind)
        np.testing.assert_array_equal(kept.share, forged.share)
        outside = kept.mask == 0
        np.testing.assert_array_equal(kept.image[outside], face.image[outside])
        np.testing.assert_array_equal(kept.landmarks, face.landmarks)
        low, high = neighbours(face.image)
        assert (kept.image >= low).all()
        assert (kept.image <= high).all()


def neighbours(image):
    """The least and the greatest value of each pixel and the eight around it."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    size = len(image)
    shifted = [padded[y : y + size, x : x + size] for y in range(3) for x in range(3)]
    return np.min(shifted, axis=0), np.max(shifted, axis=0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_forged_is_said(kind, people):
    face, donor = people[:2]
    unknown = Face(face.image, np.full((68, 2), np.nan, np.float32))
    point = Face(face.image, np.full((68, 2), 30, np.float32))
    away = Face(face.image, face.landmarks + 500)
    for wrong, why in ((unknown, "no landmarks"), (point, "too little"), (away, "too little")):
        with pytest.raises(CannotForge, match=why):
            forge(np.random.default_rng(0), wrong, donor, kind)
    if kind in NEED_DONOR:
        with pytest.raises(CannotForge, match="no landmarks"):
            forge(np.random.default_rng(0), face, unknown, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_faces_that_are_half_outside_of_the_crop_are_forged_too(kind, people):
    for shift in ((-40, 0), (35, 30), (0, -45)):
        face = Face(people[0].image, people[0].landmarks + np.array(shift, np.float32))
        forged = forge(np.random.default_rng(2), face, people[1], kind)
        outside = forged.mask == 0
        np.testing.assert_array_equal(forged.image[outside], face.image[outside])
        assert not outside.all()


def test_a_picture_without_any_detail_has_no_twin(people):
    flat = Face(np.full_like(people[0].image, 90), people[0].landmarks)
    with pytest.raises(CannotForge, match="no reenact changes a pixel"):
        forge(np.random.default_rng(0), flat, None, "reenact")
