"""What lies before a face: glasses, covers and shadows."""

import dataclasses

import numpy as np
import pytest

from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.latents import draw_identity
from jaxfake.data.toyfaces.render import Face, render
from jaxfake.data.toyfaces.worn import Cover, Glasses, Shadow, Worn, draw_worn, wear
from jaxfake.faces import ibug68

NOTHING = Worn(None, None, None)


@pytest.fixture(scope="module")
def face() -> Face:
    rng = np.random.default_rng(5)
    return render(draw_clip(rng, draw_identity(rng), 1).scenes()[0], 80)


def test_nothing_changes_nothing(face: Face) -> None:
    covered = wear(NOTHING, face.image, face.landmarks)
    np.testing.assert_array_equal(covered.image, face.image)
    assert not covered.hidden.any()


def test_glasses_are_drawn_around_the_eyes_and_hide_nothing(face: Face) -> None:
    glasses = Glasses(0.4, 0.05, (20.0, 20.0, 20.0), 0.0)
    covered = wear(dataclasses.replace(NOTHING, glasses=glasses), face.image, face.landmarks)
    rows, columns = np.nonzero((covered.image != face.image).any(axis=2))
    eyes = np.array(
        [face.landmarks[eye].mean(axis=0) for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE)]
    )
    away = np.hypot(columns[:, None] - eyes[:, 0], rows[:, None] - eyes[:, 1]).min(axis=1)
    assert 4 < away.min() < away.max() < 12
    assert not covered.hidden.any()


def test_a_cover_hides_what_is_behind_it(face: Face) -> None:
    cover = Cover(np.array([0.0, 1.0]), (0.3, 0.3), (10.0, 200.0, 30.0))
    covered = wear(dataclasses.replace(NOTHING, cover=cover), face.image, face.landmarks)
    assert covered.hidden[tuple(np.rint(face.landmarks[ibug68.CHIN][::-1]).astype(int))]
    np.testing.assert_array_equal(
        covered.image[covered.hidden], [cover.colour] * covered.hidden.sum()
    )
    np.testing.assert_array_equal(covered.image[~covered.hidden], face.image[~covered.hidden])


def test_a_shadow_darkens_its_side(face: Face) -> None:
    shadow = Shadow(angle=0.0, edge=0.0, depth=0.4)
    covered = wear(dataclasses.replace(NOTHING, shadow=shadow), face.image, face.landmarks)
    left = covered.image / np.maximum(face.image, 1e-3)
    assert left[:, -8:].mean() == pytest.approx(0.6, abs=0.05)
    assert left[:, :8].mean() == pytest.approx(1, abs=0.05)
    assert not covered.hidden.any()


def test_some_clips_have_each_and_most_have_none() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_worn(rng) for _ in range(400)]
    for name in ("glasses", "cover", "shadow"):
        share = np.mean([getattr(worn, name) is not None for worn in drawn])
        assert 0.05 < share < 0.3
