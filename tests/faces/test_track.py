"""Tracks: one person stays one track, and the clip is about whom it should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.faces import track
from jaxfake.faces.finder import Face


def face(x, y=0.0, side=10.0):
    box = np.array([x, y, x + side, y + side], np.float32)
    return Face(np.full((68, 2), x, np.float32), box, 0.9)


def places(tracks):
    return [[(one.place, float(one.face.box[0])) for one in t.sightings] for t in tracks]


def test_two_people_who_walk_stay_two_tracks_whatever_the_order_of_their_faces():
    frames = [[face(2.0 * n), face(100 - 2.0 * n)][:: (-1) ** n] for n in range(6)]
    tracks = track.link(frames)
    assert sorted(places(tracks)) == [
        [(n, 2.0 * n) for n in range(6)],
        [(n, 100 - 2.0 * n) for n in range(6)],
    ]


def test_who_is_away_for_a_moment_comes_back_and_after_a_while_does_not():
    brief = [[face(0)], [], [], [face(1)]]
    assert len(track.link(brief)) == 1
    long = [[face(0)], *[[]] * (track.MOST_MISSED + 1), [face(0)]]
    assert len(track.link(long)) == 2


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    seed=st.integers(0, 2**31),
)
def test_every_face_is_in_exactly_one_track_and_no_track_has_two_of_a_frame(counts, seed):
    rng = np.random.default_rng(seed)
    frames = [[face(float(rng.uniform(0, 40))) for _ in range(count)] for count in counts]
    sightings = [(s.place, s.number) for t in track.link(frames) for s in t.sightings]
    assert sorted(sightings) == [(p, n) for p, count in enumerate(counts) for n in range(count)]
    for one in track.link(frames):
        seen = [sighting.place for sighting in one.sightings]
        assert seen == sorted(set(seen))


def test_the_subject_is_the_largest_track_or_the_manipulated_one():
    near, far = [face(0, side=20)] * 3, [face(100, side=10)] * 3
    tracks = track.link([[a, b] for a, b in zip(far, near, strict=True)])
    assert track.subject(tracks).sightings[0].face.box[0] == 0
    manipulated = track.subject(tracks, lambda one: 0.2 if one.face.box[0] == 100 else 0.0)
    assert manipulated.sightings[0].face.box[0] == 100
    assert track.subject(tracks, lambda one: 0.0).sightings[0].face.box[0] == 0
    assert track.subject([]) is None


@pytest.mark.parametrize(("longest", "filled"), [(20, {1: 5.0, 2: 10.0}), (10, {})])
def test_a_short_gap_is_filled_between_its_ends_and_a_long_one_is_not(longest, filled):
    frames = [[face(0)], [], [], [face(4)]]
    frames[3][0].landmarks[:] = 15.0
    (one,) = track.link(frames)
    found = track.gaps(one, [0, 5, 10, 15], longest)
    assert {place: float(points[0, 0]) for place, points in found.items()} == filled


def test_nothing_is_filled_before_the_first_and_after_the_last_sighting():
    (one,) = track.link([[], [face(0)], [face(0)], []])
    assert track.gaps(one, [0, 1, 2, 3], 100) == {}


def test_overlap_is_intersection_over_union():
    one = np.array([0.0, 0, 10, 10])
    assert track.overlap(one, one) == 1
    assert track.overlap(one, one + 5) == pytest.approx(25 / 175)
    assert track.overlap(one, one + 10) == 0
    assert track.overlap(np.zeros(4), np.zeros(4)) == 0
