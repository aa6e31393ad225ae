"""Degraded faces: each knob does what it is named for, and nothing but pixels' values changes."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.data.augment.photometric import (
    BLUR,
    BRIGHTNESS,
    CONTRAST,
    JPEG,
    Photometrics,
    degrade,
    draw_photometrics,
)

NEUTRAL = Photometrics(brightness=0.0, contrast=1.0, blur=0.0, quality=100)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Smooth, in mid range, with a different slope in each channel."""
    waves = np.sin(np.linspace(0, 12, 48)[:, None, None] * np.array([0.5, 1.0, 1.5]))
    return np.rint(127 + 50 * waves + np.linspace(-30, 30, 48)[None, :, None]).astype(np.uint8)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def _sharpness(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())


def test_the_neutral_shot_changes_next_to_nothing(picture: np.ndarray) -> None:
    before = picture.copy()
    assert _difference(degrade(picture, NEUTRAL), picture) < 1.5  # of 255; channels in their order
    np.testing.assert_array_equal(picture, before)


def test_each_knob_turns_what_it_is_named_for(picture: np.ndarray) -> None:
    plain = degrade(picture, NEUTRAL).astype(float)
    brighter = degrade(picture, dataclasses.replace(NEUTRAL, brightness=0.1))
    assert brighter.mean() - plain.mean() == pytest.approx(25.5, abs=1)
    flatter = degrade(picture, dataclasses.replace(NEUTRAL, contrast=0.9))
    assert flatter.std() / plain.std() == pytest.approx(0.9, abs=0.01)
    noisy = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    assert _sharpness(degrade(noisy, dataclasses.replace(NEUTRAL, blur=1.0))) < 0.5 * _sharpness(
        noisy
    )
    errors = [
        _difference(degrade(noisy, dataclasses.replace(NEUTRAL, quality=q)), noisy)
        for q in (100, 70, 40)
    ]
    assert errors[0] < errors[1] < errors[2]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(1, 40), width=st.integers(1, 40))
def test_any_shot_of_any_picture_is_a_picture_and_replays(
    seed: int, height: int, width: int
) -> None:
    drawn = [draw_photometrics(np.random.default_rng(seed)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert abs(drawn[0].brightness) <= BRIGHTNESS
    assert abs(drawn[0].contrast - 1) <= CONTRAST
    assert BLUR[0] <= drawn[0].blur <= BLUR[1]
    assert JPEG[0] <= drawn[0].quality <= JPEG[1]
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    first, second = (degrade(image, one) for one in drawn)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
