"""Forgeries of toy faces: what changes, where, and how far the donor is."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import ks_2samp

from jaxfake.data.toyfaces import forgeries, latents
from jaxfake.data.toyfaces.clips import Clip, draw_clip
from jaxfake.data.toyfaces.forgeries import (
    METHODS,
    SEEN,
    UNSEEN,
    Region,
    Seam,
    draw_forgery,
    forge,
    keep,
)
from jaxfake.data.toyfaces.latents import PARTS, Scene, draw_identity
from jaxfake.data.toyfaces.render import Face, landmarks_of, render

SIZE = 64


def clip_of(seed: int, frames: int = 2) -> Clip:
    rng = np.random.default_rng([1, seed])
    return draw_clip(rng, draw_identity(rng), frames)


def faces_of(clip: Clip) -> list[Face]:
    return [render(scene, SIZE) for scene in clip.scenes()]


@pytest.mark.parametrize("method", METHODS)
def test_a_forgery_changes_its_mask_and_nothing_else(method: str) -> None:
    for seed in range(6):
        clip = clip_of(seed)
        faces = faces_of(clip)
        forgery = draw_forgery(np.random.default_rng(seed), method, clip)
        for face, forged in zip(faces, forge(faces, forgery), strict=True):
            change = np.abs(forged.image - face.image).max(axis=2)
            assert change[forged.mask == 0].max() == 0
            assert change[forged.mask == 255].mean() > 4
            assert set(np.unique(forged.mask)) == {0, 255}
            assert 0.02 < (forged.mask > 0).mean() < 0.6


@pytest.mark.parametrize("method", METHODS)
def test_a_real_clip_passes_the_same_blend_with_its_own_part(method: str) -> None:
    clip = clip_of(3)
    faces = faces_of(clip)
    forgery = draw_forgery(np.random.default_rng(0), method, clip)
    regions = [
        forgeries.region_of(face.landmarks, face.landmarks, forgery, SIZE).mask > 0
        for face in faces
    ]
    for face, kept, region in zip(faces, keep(faces, forgery), regions, strict=True):
        change = np.abs(kept.image - face.image).max(axis=2)
        assert (change[region] > 0).mean() > 0.8, "no colour cast, so no blend"
        assert change[~region].max() == 0
        assert kept.mask.max() == 0
        np.testing.assert_array_equal(kept.landmarks, face.landmarks)
    uncast = dataclasses.replace(forgery.seam, gain=np.ones(3, np.float32))
    without_cast = dataclasses.replace(forgery, seam=uncast)
    for face, kept in zip(faces, keep(faces, without_cast), strict=True):
        np.testing.assert_allclose(kept.image, face.image, atol=0.02)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_landmarks_are_those_of_what_is_shown(method: str, seed: int) -> None:
    clip = clip_of(seed)
    faces = faces_of(clip)
    forgery = draw_forgery(np.random.default_rng(seed), method, clip)
    frames = zip(faces, forge(faces, forgery), forgery.source.scenes(), strict=True)
    for face, forged, scene in frames:
        source = landmarks_of(scene, SIZE)
        np.testing.assert_array_equal(forged.landmarks, source)
        moved = np.flatnonzero(np.abs(source - face.landmarks).max(axis=1) > 0)
        region = forgeries.region_of(face.landmarks, source, forgery, SIZE)
        columns, rows = np.rint(forged.landmarks[moved]).astype(int).T
        shares = region.share[rows, columns]
        assert shares.min(initial=1) > 0.5, "a landmark of what is hardly shown"
        assert len(moved) == 0 or shares.mean() > 0.95
        assert (len(moved) == 0) == (method == "lighting")


def test_forged_light_is_unlike_that_of_the_target() -> None:
    for seed in range(20):
        clip = clip_of(seed, frames=1)
        light = draw_forgery(np.random.default_rng(seed), "lighting", clip).source.lights[0]
        away = np.abs(np.subtract(light, clip.lights[0]))
        assert away.max() > 0.5


def test_a_donor_is_another_person_in_the_pose_and_light_of_the_target() -> None:
    clip = clip_of(2, frames=4)
    for method in METHODS:
        forgery = draw_forgery(np.random.default_rng(1), method, clip)
        source = forgery.source
        assert (source.identity, source.poses) == (clip.identity, clip.poses)
        if method == "lighting":
            assert source.lights != clip.lights
            assert not source.donors
            continue
        assert source.lights == clip.lights
        donors = list(source.donors.values())
        assert all(donor is donors[0] for donor in donors)
        assert donors[0].identity.proportions == clip.identity.proportions
        assert donors[0].identity.style != clip.identity.style
        changed = {
            part
            for part, look in source.scenes()[0].looks.items()
            if look.style != clip.scenes()[0].looks[part].style
        }
        assert changed == set(source.donors)


def test_a_donor_is_unlike_the_target() -> None:
    products = []
    for seed in range(200):
        clip = clip_of(seed, frames=1)
        donor = draw_forgery(np.random.default_rng(seed), "lips", clip).source.donors["lips"]
        away = np.abs(np.subtract(donor.identity.style, clip.identity.style))
        assert away.min() > 0.65
        products.append(donor.identity.complexion * clip.identity.complexion)
    assert np.mean(products) == pytest.approx(latents.UNLIKE, abs=0.1)


def test_no_manipulation_of_the_test_is_one_of_training() -> None:
    assert len(UNSEEN) >= 2
    assert not set(SEEN) & set(UNSEEN)
    assert set(SEEN) | set(UNSEEN) == set(METHODS)


def numbers_of(scene: Scene) -> list[float]:
    """All numbers from which the parts of a face are drawn."""
    looks = [scene.looks[part] for part in PARTS]
    return [
        number
        for look in looks
        for number in (*look.style, *look.expression, *look.complexion.ravel())
    ]


def test_the_parts_of_a_donor_are_distributed_as_those_of_reals() -> None:
    """Donors of other targets, since those of these people are unlike them on purpose."""
    ours, theirs = [], []
    for seed in range(300):
        ours.append(numbers_of(clip_of(seed, frames=1).scenes()[0]))
        target = clip_of(1000 + seed, frames=1)
        donors = draw_forgery(np.random.default_rng(seed), "eyes", target).source.donors
        theirs.append(numbers_of(donors["eyes"].scenes()[0]))
    chances = ks_2samp(ours, theirs).pvalue
    assert chances.min() > 1e-3


def test_a_donor_has_the_colours_of_the_target() -> None:
    """Its parts would be told by another tone of the skin alone."""
    clip = clip_of(4)
    donor = draw_forgery(np.random.default_rng(0), "lips", clip).source.donors["lips"]
    assert donor.identity.colours == clip.identity.colours


def test_the_blend_shows_the_part_with_its_cast_inside_and_the_target_outside() -> None:
    rng = np.random.default_rng(0)
    target, part = rng.uniform(50, 200, (2, 32, 32, 3)).astype(np.float32)
    share = np.zeros((32, 32), np.float32)
    share[8:24, 8:24] = 1
    share[8:24, 24] = 0.5
    region = Region(share, np.where(share > 0, 255, 0).astype(np.uint8))
    gain = np.array([0.9, 1, 1.1], np.float32)
    blended = forgeries.blend_part(target, part, region, Seam(0.1, 0.1, gain))
    np.testing.assert_allclose(blended[share == 1], (part * gain)[share == 1], rtol=1e-5)
    np.testing.assert_array_equal(blended[share == 0], target[share == 0])
    half = (target + part * gain)[share == 0.5] / 2
    np.testing.assert_allclose(blended[share == 0.5], half, rtol=1e-5)
