"""Masks: exact counts for any face, and what each mode prefers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.faces.parts import BACKGROUND, FACE_PARTS, LIPS, PartMap
from jaxfake.models import rng
from jaxfake.models.masking import MaskSettings, choose_parts, draw_mask

GRID, BATCH = 6, 4
COUNT = GRID**2
MODES = ("part", "roi_any", "random", "crfr")
ROOT = rng.stream(3, "test")


@partial(jax.jit, static_argnums=0)
def draw(rule, keys, faces, chosen):
    return draw_mask(rule, keys, faces, chosen)


def keys(seed):
    return rng.example_keys(ROOT, jnp.asarray(seed), BATCH)


def split(rule, faces, chosen, seed):
    """The mask as NumPy arrays, after the checks that hold for every mode and every face."""
    mask = draw(rule, keys(seed), faces, chosen)
    keep, drop, restore, dropped = map(np.asarray, (*mask, mask.dropped))
    assert keep.shape == (BATCH, COUNT - rule.count)
    assert drop.shape == (BATCH, rule.count)
    order = np.concatenate([keep, drop], axis=1)
    assert np.array_equal(np.sort(order), np.tile(np.arange(COUNT), (BATCH, 1)))
    assert np.array_equal(
        np.take_along_axis(order, restore, 1), np.tile(np.arange(COUNT), (BATCH, 1))
    )
    assert np.array_equal(dropped.sum(1), [rule.count] * BATCH)
    assert np.take_along_axis(dropped, drop, 1).all()
    return dropped


@st.composite
def part_maps(draw):
    """Any part map, absent parts and faces without background included."""
    present = draw(st.sets(st.integers(0, 3), min_size=1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    part = rng.choice(sorted(present), (BATCH, COUNT)).astype(np.int32)
    # Some regions of interest lie off their part, as a brow may lie over the band of the eyes.
    roi = np.where(rng.random(part.shape) < 0.2, rng.integers(1, 4, part.shape), 0).astype(np.int32)
    return PartMap(part, roi)


faces_given = given(
    faces=part_maps(),
    chosen=st.lists(st.sampled_from(FACE_PARTS), min_size=BATCH, max_size=BATCH).map(
        lambda parts: np.array(parts, np.int32)
    ),
    count=st.sampled_from([1, 7, 20, COUNT - 1]),
    seed=st.integers(0, 2**31 - 1),
)


@settings(max_examples=40, deadline=None)
@faces_given
def test_part_masks_its_part_then_the_face_then_the_background(faces, chosen, count, seed):
    dropped = split(MaskSettings("part", count), faces, chosen, seed)
    own = faces.part == chosen[:, None]
    face = (faces.part != BACKGROUND) & ~own
    room = count
    for region in (own, face, faces.part == BACKGROUND):
        expected = np.minimum(region.sum(1), room)
        assert np.array_equal((dropped & region).sum(1), expected)
        room = room - expected


@settings(max_examples=20, deadline=None)
@faces_given
def test_roi_any_masks_regions_of_interest_first(faces, chosen, count, seed):
    dropped = split(MaskSettings("roi_any", count), faces, chosen, seed)
    interest = faces.roi != BACKGROUND
    assert np.array_equal((dropped & interest).sum(1), np.minimum(interest.sum(1), count))


@settings(max_examples=20, deadline=None)
@faces_given
def test_random_knows_nothing_of_the_face(faces, chosen, count, seed):
    dropped = split(MaskSettings("random", count), faces, chosen, seed)
    blank = PartMap(np.zeros_like(faces.part), np.zeros_like(faces.roi))
    assert np.array_equal(split(MaskSettings("random", count), blank, chosen, seed), dropped)


@settings(max_examples=40, deadline=None)
@faces_given
def test_crfr_masks_a_whole_part_and_the_same_share_of_the_others(faces, chosen, count, seed):
    dropped = split(MaskSettings("crfr", count), faces, chosen, seed)
    for part, own, mask in zip(faces.part, chosen, dropped, strict=True):
        assert mask[part == own].sum() == min((part == own).sum(), count)
        others = [mask[part == p] for p in set(part) - {own}]
        for one in others:
            for other in others:
                # Shares of whole patches differ by no more than one patch of each.
                assert abs(one.mean() - other.mean()) <= 1 / one.size + 1 / other.size


@pytest.mark.parametrize("mode", MODES)
def test_masks_differ_across_the_batch_and_replay_from_the_key(mode):
    one = PartMap(*np.tile(np.arange(COUNT, dtype=np.int32) % 4, (2, BATCH, 1)))
    chosen = np.full(BATCH, LIPS, np.int32)
    # Six of the nine patches of the part, or more than the part where it is masked whole.
    rule = MaskSettings(mode, 14 if mode == "crfr" else 6)
    dropped = split(rule, one, chosen, 0)
    assert len({tuple(row) for row in dropped}) == BATCH
    assert np.array_equal(split(rule, one, chosen, 0), dropped)
    assert not np.array_equal(split(rule, one, chosen, 1), dropped)


def test_an_example_draws_alone():
    """Its mask hangs on its key and face, not on the rest of the batch."""
    faces = PartMap(*np.tile(np.arange(COUNT, dtype=np.int32) % 4, (2, BATCH, 1)))
    chosen = np.array([1, 2, 3, 1], np.int32)
    rule, order = MaskSettings("part", 7), np.array([2, 0, 3, 1])
    mask = draw(rule, keys(5), faces, chosen)
    turned = draw(rule, keys(5)[order], faces, chosen[order])
    assert np.array_equal(turned.drop, mask.drop[order])


def test_regions_of_interest_are_favoured_with_room_for_chance():
    """In a part of 18 patches, 6 of interest, of which 9 are masked."""
    part = np.tile(np.repeat([1, 0], COUNT // 2).astype(np.int32), (1000, 1))
    roi = np.tile((np.arange(COUNT) < 6).astype(np.int32), (1000, 1))
    chosen = np.ones(1000, np.int32)
    many = rng.example_keys(ROOT, jnp.asarray(0), 1000)
    dropped = np.asarray(draw(MaskSettings("part", 9), many, PartMap(part, roi), chosen).dropped)
    interest, rest = dropped[:, :6].mean(), dropped[:, 6:18].mean()
    assert rest + 0.2 < interest < 0.9
    assert rest > 0.2
    assert not dropped[:, 18:].any()


def test_each_part_is_chosen_a_third_of_the_time():
    chosen = np.asarray(choose_parts(rng.example_keys(ROOT, jnp.asarray(0), 6000)))
    shares = [np.mean(chosen == part) for part in FACE_PARTS]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.025)  # four standard deviations


def test_a_choice_does_not_tell_the_mask():
    """Stage 1 draws both from one key; patches must not be masked more in one part's faces."""
    blank = PartMap(*np.zeros((2, 3000, COUNT), np.int32))
    roots = jax.vmap(jax.random.split)(rng.example_keys(ROOT, jnp.asarray(1), 3000))
    chosen = choose_parts(roots[:, 0])
    dropped = np.asarray(draw(MaskSettings("part", 9), roots[:, 1], blank, chosen).dropped)
    for part in FACE_PARTS:
        np.testing.assert_allclose(dropped[np.asarray(chosen) == part].mean(0), 0.25, atol=0.07)
