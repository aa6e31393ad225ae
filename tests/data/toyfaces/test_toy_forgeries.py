"""Forgeries of toy faces: what changes, where, and how far the donor is."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import kstest

from jaxfake.data.toyfaces import forgeries
from jaxfake.data.toyfaces.clips import Clip, draw_clip
from jaxfake.data.toyfaces.forgeries import METHODS, SIDES, Region, Seam, draw_forgery, forge, keep
from jaxfake.data.toyfaces.latents import draw_identity, far_from
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
            assert 0.02 < (forged.mask > 0).mean() < 0.5


@pytest.mark.parametrize("method", METHODS)
def test_a_real_clip_passes_the_same_blend_with_its_own_part(method: str) -> None:
    clip = clip_of(3)
    faces = faces_of(clip)
    forgery = draw_forgery(np.random.default_rng(0), method, clip)
    regions = [forged.mask > 0 for forged in forge(faces, forgery)]
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
@pytest.mark.parametrize("seed", range(8))
def test_landmarks_are_those_of_what_is_shown(method: str, seed: int) -> None:
    clip = clip_of(seed)
    faces = faces_of(clip)
    forgery = draw_forgery(np.random.default_rng(seed), method, clip)
    frames = zip(faces, forge(faces, forgery), forgery.donor.scenes(), strict=True)
    for face, forged, scene in frames:
        donor, moved = landmarks_of(scene, SIZE), forgery.landmarks
        region = forgeries.region_of(face.landmarks, donor, forgery, SIZE)
        columns, rows = np.rint(forged.landmarks[moved]).astype(int).T
        assert region.share[rows, columns].min() > 0.75
        np.testing.assert_array_equal(forged.landmarks[moved], donor[moved])
        rest = np.setdiff1d(np.arange(68), moved)
        np.testing.assert_array_equal(forged.landmarks[rest], face.landmarks[rest])


@pytest.mark.parametrize("method", ["eyes", "inner_face", "lighting"])
def test_one_side_of_a_face_is_touched_on_its_own_side(method: str) -> None:
    clip = clip_of(4)
    faces = faces_of(clip)
    places = {}
    for seed in range(40):
        forgery = draw_forgery(np.random.default_rng(seed), method, clip)
        mask = forge(faces, forgery)[0].mask
        places.setdefault(forgery.side, []).append(np.nonzero(mask)[1].mean())
    assert places.keys() == set(SIDES[method])
    middle = faces[0].landmarks[27:31, 0].mean()
    # The person's right is on the left of the picture.
    assert max(places["right"]) < middle - 2 < middle + 2 < min(places["left"])


def test_another_light_moves_no_landmark_and_another_face_does() -> None:
    clip = clip_of(6)
    faces = faces_of(clip)
    for method in METHODS:
        forged = forge(faces, draw_forgery(np.random.default_rng(1), method, clip))
        moved = np.abs(forged[0].landmarks - faces[0].landmarks).max()
        assert moved == 0 if method == "lighting" else moved > 0.5


def test_donors_are_far_in_every_latent_they_change_and_follow_the_pose() -> None:
    for seed in range(30):
        clip, rng = clip_of(seed, frames=4), np.random.default_rng(seed)
        other = draw_forgery(rng, "lips", clip).donor
        style = np.abs(np.subtract(other.identity.style, clip.identity.style))
        assert style.min() > 0.85
        assert np.abs(np.subtract(other.expressions, clip.expressions)).min() > 0.3
        assert (other.poses, other.lights) == (clip.poses, clip.lights)
        lit = draw_forgery(rng, "lighting", clip).donor
        assert lit.identity is clip.identity
        assert lit.expressions == clip.expressions
        assert min(abs(a.side - b.side) for a, b in zip(lit.lights, clip.lights, strict=True)) > 0.3


def test_far_latents_are_distributed_as_all_others() -> None:
    rng = np.random.default_rng(0)
    moved = np.array([far_from(rng, latent) for latent in rng.uniform(-1, 1, 4000)])
    assert kstest(moved, "uniform", (-1, 2)).pvalue > 0.01


def test_colours_are_matched_inside_the_region() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal([120, 90, 60], [20, 15, 10], (32, 32, 3)).astype(np.float32)
    part = rng.normal([60, 130, 140], [15, 20, 15], (32, 32, 3)).astype(np.float32)
    share = np.zeros((32, 32), np.float32)
    share[8:24, 8:24] = 1
    region = Region(share, (255 * share).astype(np.uint8))
    blended = forgeries.blend_part(target, part, region, Seam(0.1, 0.1, np.ones(3, np.float32)))
    inside = share > 0
    np.testing.assert_allclose(blended[inside].mean(axis=0), target[inside].mean(axis=0), rtol=1e-3)
    np.testing.assert_allclose(blended[inside].std(axis=0), target[inside].std(axis=0), rtol=1e-2)
    assert np.abs(blended - target)[inside].mean() > 5
