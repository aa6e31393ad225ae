"""What each kind does to a face, told by pictures whose colours are their own coordinates."""

import cv2
import numpy as np
import pytest

from jaxfake.data.forgeries import (
    colour_match,
    face_swap,
    part_transplant,
    perturb,
    reenact,
    region,
    self_blend,
    shallow,
    twin,
    warps,
)
from jaxfake.data.forgeries.forgery import Face

SIZE = 96


def coordinates(landmarks):
    """A face whose red and green are x and y, so that its pixels say where they come from."""
    x, y = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    return Face(np.stack([2 * x, 2 * y, np.full_like(x, 60)], axis=2).astype(np.uint8), landmarks)


def places(image, points):
    """Where the pixels at these points come from, float [n, 2]."""
    x, y = np.rint(points).astype(int).T
    return image[y, x, :2] / 2


def test_a_reenacted_landmark_shows_what_was_at_the_old_one(people):
    face = coordinates(people[0].landmarks)
    seen = set()
    for draw in range(16):
        made = reenact.make(np.random.default_rng(draw), face, None, 1.0)
        seen.add(made.parameters["expression"])
        moved = np.linalg.norm(made.landmarks - face.landmarks, axis=1)
        shown = places(made.image, made.landmarks)
        np.testing.assert_allclose(shown, face.landmarks, atol=1.6)
        if made.parameters["expression"] == "gaze":
            assert moved.max() == 0
        else:
            assert 1 < moved.max() < 12
        around = np.rint(made.landmarks[moved > 1]).astype(int).clip(0, SIZE - 1)
        assert (made.share[around[:, 1], around[:, 0]] > 0.3).all()
    assert seen == set(reenact.EXPRESSIONS)


def test_a_swapped_face_has_the_donors_landmarks_on_the_targets(people, monkeypatch):
    monkeypatch.setattr(colour_match, "matched", lambda source, *_: source)
    donor = coordinates(people[1].landmarks)
    made = face_swap.make(np.random.default_rng(0), people[0], donor, 1.0)
    shown = places(made.image, people[0].landmarks[17:])
    np.testing.assert_allclose(shown, donor.landmarks[17:], atol=1.6)
    np.testing.assert_array_equal(made.landmarks, people[0].landmarks)


def test_a_transplanted_part_lies_where_the_own_one_was(people, monkeypatch):
    monkeypatch.setattr(colour_match, "matched", lambda source, *_: source)
    monkeypatch.setattr(part_transplant, "in_gradient_domain", lambda source, *_: source)
    donor, seen = coordinates(people[1].landmarks), set()
    for draw in range(12):
        made = part_transplant.make(np.random.default_rng(draw), people[0], donor, 1.0)
        part = made.parameters["part"]
        seen.add((part, made.parameters["transform"]))
        ours, theirs = (region.outline(one.landmarks, part) for one in (people[0], donor))
        error = np.linalg.norm(places(made.image, ours) - theirs, axis=1)
        assert np.median(error) < 4  # a similarity fits the part as a whole, not each point
        assert made.share[tuple(np.rint(ours.mean(0)).astype(int)[::-1])] > 0.5
    assert {part for part, _ in seen} == set(part_transplant.PARTS)
    assert {transform for _, transform in seen} == {"similarity", "affinity"}


def test_the_gradient_blend_leaves_a_face_that_is_cloned_onto_itself_as_it_is(people):
    image, where = people[0].image, np.zeros((SIZE, SIZE), np.uint8)
    where[20:61, 31:70] = 1
    cloned = part_transplant.in_gradient_domain(image.astype(np.float32), image, where)
    assert np.abs(cloned - image).max() <= 2


def test_a_self_blended_source_is_the_same_person_a_little_elsewhere(people):
    face = coordinates(people[0].landmarks)
    ratios = []
    for draw in range(12):
        made = self_blend.make(np.random.default_rng(draw), face, None, 1.0)
        ratios.append(made.parameters["ratio"])
        assert made.share.max() == pytest.approx(made.parameters["ratio"])
        assert np.abs(made.parameters["shift"]).max() <= 0.03 * SIZE
        assert 0.95 <= made.parameters["scale"] <= 1 / 0.95
    assert set(ratios) <= {0.25, 0.5, 0.75, 1.0}
    assert len(set(ratios)) > 2


def test_the_geometry_of_a_self_blended_source_is_what_it_says(people, monkeypatch):
    monkeypatch.setattr(perturb, "recoloured", lambda image, _: image)
    monkeypatch.setattr(perturb, "refiltered", lambda image, _: image)
    monkeypatch.setattr(warps, "elastic", lambda rng, size, spread: np.zeros((size, size, 2), "f4"))
    face = coordinates(people[0].landmarks)
    made = self_blend.make(np.random.default_rng(3), face, None, 1.0)
    middle, at = (SIZE - 1) / 2, np.array([[30, 40], [60, 50]])
    expected = (at - middle - np.array(made.parameters["shift"])) / made.parameters[
        "scale"
    ] + middle
    np.testing.assert_allclose(places(made.image, at), expected, atol=0.3)


def test_codecs_give_a_face_back_if_they_may_keep_everything(people):
    image = people[0].image.astype(np.float32)
    np.testing.assert_allclose(twin.by_components(image, 64), image, atol=0.05)
    for block in (8, 16):
        np.testing.assert_allclose(twin.by_blocks(image, block, 1e-3, (3, 5)), image, atol=0.05)


def test_codecs_lose_more_the_less_they_keep(people):
    image = people[0].image.astype(np.float32)

    def lost(made):
        return np.abs(made - image).mean()

    assert lost(twin.by_components(image, 3)) > lost(twin.by_components(image, 10)) > 0.5
    assert lost(twin.by_blocks(image, 8, 40, (0, 0))) > lost(twin.by_blocks(image, 8, 12, (0, 0)))


def test_every_edit_by_hand_occurs_and_a_splice_has_a_hard_edge(people):
    seen = set()
    for draw in range(30):
        made = shallow.make(np.random.default_rng(draw), people[0], people[1], 1.0)
        seen.add(made.parameters["edit"])
        if made.parameters["edit"] == "splice":
            assert set(np.unique(made.share)) == {0.0, 1.0}
    assert seen == set(shallow.EDITS)


def test_a_clone_comes_from_the_offset_that_it_says(people):
    face = coordinates(people[0].landmarks)
    made = next(
        made
        for made in (
            shallow.make(np.random.default_rng(draw), face, people[1], 1.0) for draw in range(40)
        )
        if made.parameters["edit"] == "clone"
    )
    middle = np.array([[48, 48]])
    expected = middle + np.rint(made.parameters["offset"])
    np.testing.assert_allclose(places(made.image, middle), expected, atol=0.6)


def test_matched_colours_have_the_targets_mean_and_spread(people):
    source, target = (people[n].image.astype(np.float32) for n in (0, 1))
    where = np.zeros((SIZE, SIZE), np.uint8)
    where[30:70, 30:70] = 1
    made = colour_match.matched(source, target, where, np.zeros(3, np.float32))
    ours, theirs = (
        cv2.cvtColor(one / 255, cv2.COLOR_RGB2Lab)[30:70, 30:70] for one in (made, target)
    )
    np.testing.assert_allclose(ours.mean((0, 1)), theirs.mean((0, 1)), atol=3)
    before = cv2.cvtColor(source / 255, cv2.COLOR_RGB2Lab)[30:70, 30:70].mean((0, 1))
    assert np.abs(before - theirs.mean((0, 1))).max() > 6


def test_a_share_is_whole_inside_gone_outside_and_soft_between():
    points = region.ellipse(np.array([48, 48]), np.array([24, 20]), 0.3)
    rng = np.random.default_rng(0)
    for _ in range(5):
        share = region.draw_share(rng, points, SIZE, unit=24.0)
        assert share[48, 48] > 0.9
        assert share[:8].max() == share[:, -8:].max() == 0
        edge = share[(share > 0) & (share < 1)]
        assert len(edge) > 100
        assert np.abs(np.diff(share, axis=0)).max() < 0.5


@pytest.mark.parametrize("points", [3, 68])
def test_affinities_are_found(points):
    rng = np.random.default_rng(points)
    source = rng.uniform(0, 96, (points, 2))
    matrix = np.array([[0.9, 0.1, 5.0], [-0.2, 1.1, -3.0]])
    target = source @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(warps.affinity(source, target), matrix, atol=1e-8)


def test_points_on_a_line_have_an_affinity_that_is_not_wild():
    source = np.stack([np.linspace(10, 50, 9), np.full(9, 30.0)], axis=1)
    matrix = warps.affinity(source, source + 4)
    assert np.abs(matrix[:, :2]).max() < 1.5
    np.testing.assert_allclose(source @ matrix[:, :2].T + matrix[:, 2], source + 4, atol=1e-6)
