"""Perturbations are what they are called, grow with the level, and depend on nothing but the clip."""

import cv2
import numpy as np
import pytest

from jaxfake.evaluation.evidence.robustness.perturbations import (
    LEVELS,
    PERTURBATIONS,
    Clip,
    parse_perturbations,
)
from jaxfake.runtime.errors import InputError

SIDE = 65  # odd, which yuv420p does not take


@pytest.fixture(scope="module")
def clip():
    """Four pictures of soft coloured shapes with some texture, that drift."""
    rng, pictures = np.random.default_rng(0), []
    base = cv2.GaussianBlur(rng.uniform(0, 255, (SIDE + 8, SIDE + 8, 3)), (0, 0), 4)
    base = (base - base.min()) / (base.max() - base.min()) * 200 + rng.normal(0, 8, base.shape) + 25
    for shift in range(4):
        part = base[shift : shift + SIDE, shift : shift + SIDE]
        pictures.append(np.clip(part, 0, 255).astype(np.uint8))
    points = np.stack([np.linspace(10, 55, 68), np.tile([20.0, 45.0], 34)], axis=1)
    return Clip(pictures, 1.0, [points] * 4, seed=7)


def distance(clip, changed):
    return np.mean([(np.float64(a) - b) ** 2 for a, b in zip(clip.pictures, changed, strict=True)])


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_level_changes_more_and_keeps_the_size(clip, name):
    kind, distances = PERTURBATIONS[name], []
    assert len(kind.parameters) == len(LEVELS)
    for parameter in kind.parameters:
        changed = kind.apply(clip, parameter)
        assert [one.shape for one in changed] == [(SIDE, SIDE, 3)] * 4
        assert {one.dtype for one in changed} == {np.dtype(np.uint8)}
        distances.append(distance(clip, changed))
    assert distances[0] > 0
    assert all(np.diff(distances) > 0)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_clip_is_perturbed_alike(clip, name):
    kind = PERTURBATIONS[name]
    once, again = (kind.apply(clip, kind.parameters[2]) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_jpeg_is_jpeg_and_pixelate_is_not(clip):
    blocks = PERTURBATIONS["pixelate"].apply(clip, 8)[0].reshape(-1, 3)
    assert len(np.unique(blocks, axis=0)) <= 9 * 9
    encoded = PERTURBATIONS["jpeg"].apply(clip, 30)[0]
    assert len(np.unique(encoded.reshape(-1, 3), axis=0)) > 1000


def test_lengths_follow_the_size_of_the_face(clip):
    larger = Clip([cv2.resize(p, None, fx=2, fy=2) for p in clip.pictures], 2.0, clip.points, 7)
    blur = PERTURBATIONS["blur"]
    small = blur.apply(clip, 2.0)[0]
    large = cv2.resize(blur.apply(larger, 2.0)[0], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(np.float64(small) - large)[8:-8, 8:-8].mean() < 1.0


def test_a_part_is_covered_where_the_landmarks_are(clip):
    occlude = PERTURBATIONS["occlude"]
    covered = [
        (a != b).any(-1) for a, b in zip(clip.pictures, occlude.apply(clip, 1.0), strict=True)
    ]
    assert all(0.02 < one.mean() < 0.6 for one in covered)
    absent = Clip(clip.pictures, 1.0, [np.full((68, 2), np.nan)] * 4, 7)
    np.testing.assert_array_equal(occlude.apply(absent, 1.0), clip.pictures)
    parts = {
        occlude.apply(Clip(clip.pictures, 1.0, clip.points, seed), 1.0)[0].tobytes()
        for seed in range(12)
    }
    assert len(parts) == 3


def test_pictures_of_several_sizes_are_encoded_apart(clip):
    mixed = Clip([clip.pictures[0], clip.pictures[1][:40]], 1.0, clip.points[:2], 7)
    changed = PERTURBATIONS["h264"].apply(mixed, 32)
    assert [one.shape for one in changed] == [(SIDE, SIDE, 3), (40, SIDE, 3)]


def test_names_are_checked_before_anything_is_scored(monkeypatch):
    assert parse_perturbations([]) == ()
    assert parse_perturbations(["blur", "jpeg", "blur"]) == ("blur", "jpeg")
    assert set(parse_perturbations(["all"])) == set(PERTURBATIONS)
    with pytest.raises(InputError, match="--perturb=fog is not known: give some of jpeg"):
        parse_perturbations(["fog"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install av"):
        parse_perturbations(["h264"])
    assert parse_perturbations(["jpeg"]) == ("jpeg",)
