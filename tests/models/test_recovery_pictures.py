"""The strip of a recovery: what was seen stays as it was, what was hidden is the model's."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake.models.method import Prediction
from jaxfake.models.pixels import normalise
from jaxfake.models.recovery_pictures import GREY, enlarge, recovery_strips

SIDE, PATCH = 8, 4


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)


def _strips(image: np.ndarray, recovered: np.ndarray) -> list[np.ndarray]:
    hidden = np.zeros((2, SIDE // PATCH, SIDE // PATCH), bool)
    hidden[:, 0, 1] = True  # above, right
    said = Prediction(
        score=jnp.zeros(2),
        heat=None,
        recovered=normalise(jnp.asarray(recovered)),
        hidden=jnp.asarray(hidden),
        evidence={},
    )
    strips = np.asarray(recovery_strips(jnp.asarray(image), said))
    assert (strips.dtype, strips.shape) == (np.uint8, (2, SIDE, 4 * SIDE, 3))
    return np.split(strips, 4, axis=2)


def test_only_what_was_hidden_is_grey_and_then_recovered(image: np.ndarray) -> None:
    given, masked, shown, error = _strips(image, 255 - image)
    place = np.zeros((SIDE, SIDE), bool)
    place[:PATCH, PATCH:] = True
    np.testing.assert_array_equal(given, image)
    assert (masked[:, place] == GREY).all()
    np.testing.assert_array_equal(masked[:, ~place], image[:, ~place])
    np.testing.assert_allclose(shown[:, place], 255 - image[:, place].astype(int), atol=1)
    np.testing.assert_array_equal(shown[:, ~place], image[:, ~place])
    assert (error[:, ~place] == 0).all()
    assert error[:, place].any()


def test_a_perfect_recovery_has_no_error(image: np.ndarray) -> None:
    *_, shown, error = _strips(image, image)
    np.testing.assert_array_equal(shown, image)
    assert not error.any()


def test_a_value_of_a_patch_covers_its_pixels() -> None:
    large = np.asarray(enlarge(jnp.arange(4).reshape(1, 2, 2), SIDE))[0]
    for row in range(SIDE):
        for column in range(SIDE):
            assert large[row, column] == 2 * (row // PATCH) + column // PATCH


def test_a_pixel_between_two_patches_has_the_value_of_the_one_that_its_centre_lies_in() -> None:
    large = np.asarray(enlarge(jnp.arange(9).reshape(1, 3, 3), 5))[0]
    assert large[0].tolist() == [0, 0, 1, 2, 2]
    assert large[:, 0].tolist() == [0, 0, 3, 6, 6]


def test_a_method_that_recovers_nothing_has_no_strip(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="has no recovered face"):
        recovery_strips(jnp.asarray(image), Prediction(jnp.zeros(2), None, None, None, {}))
