"""The U-Net's map: as fine as asked for, each value at its own place, each face by itself."""

from typing import Any

import jax
import numpy as np
import pytest

from jaxfake.models.unet import UNet, _depth_to_space
from tests.study import SMALL_UNET


@pytest.mark.parametrize("times", [1, 2, 4])
def test_the_map_is_as_fine_as_asked_for(times: int) -> None:
    features = jax.ShapeDtypeStruct((2, 16, 8, 5), "float32")
    found = jax.eval_shape(
        lambda x: UNet(8, times).init_with_output(jax.random.key(0), x)[0], features
    )
    assert found.logits.shape == (2, times * 16, times * 8)
    assert found.bottleneck.shape == (2, 2, 1, 64)


def test_each_stage_but_the_first_halves_the_side() -> None:
    features = jax.ShapeDtypeStruct((1, 8, 8, 2), "float32")
    network = UNet(4, stages=(1, 3))
    found = jax.eval_shape(lambda x: network.init_with_output(jax.random.key(0), x), features)
    assert found[0].bottleneck.shape == (1, 4, 4, 12)
    assert {name for name in found[1]["params"] if "_" in name} >= {"down_0", "down_1", "up_0"}
    assert "down_2" not in found[1]["params"]


@pytest.mark.parametrize("side", [10, 20, 25])
def test_a_side_need_not_be_a_multiple_of_eight(side: int) -> None:
    features = jax.ShapeDtypeStruct((1, side, side, 5), "float32")
    found = jax.eval_shape(lambda x: UNet(8, 2).init_with_output(jax.random.key(0), x)[0], features)
    assert found.logits.shape == (1, 2 * side, 2 * side)


def test_the_values_of_a_place_fill_its_square() -> None:
    values = np.arange(2 * 3 * 2 * 4).reshape(2, 3, 2, 4)
    picture = np.asarray(_depth_to_space(values, 2))
    assert picture.shape == (2, 6, 4)
    for row in range(3):
        for column in range(2):
            square = picture[1, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_array_equal(square.ravel(), values[1, row, column])


def test_no_face_sees_another() -> None:
    """As it must be with GroupNorm, and would not be with BatchNorm."""
    network = UNet(4, 2, stages=SMALL_UNET)
    x = jax.random.normal(jax.random.key(1), (3, 8, 8, 4))
    parameters = jax.jit(network.init)(jax.random.key(0), x)
    apply = jax.jit(network.apply)  # one program for both
    one, other = (apply(parameters, given).logits for given in (x, x.at[1:].multiply(-3)))
    np.testing.assert_allclose(one[0], other[0], atol=1e-5)
    assert not np.allclose(one[1], other[1], atol=1e-2)


def test_computing_blocks_again_changes_no_gradient() -> None:
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 2))
    plain, again = (UNet(2, recompute=recompute, stages=SMALL_UNET) for recompute in (False, True))
    parameters = jax.jit(plain.init)(jax.random.key(0), x)

    def gradient(network: UNet) -> Any:
        return jax.jit(jax.grad(lambda p: (network.apply(p, x).logits ** 2).sum()))(parameters)

    one, other = (jax.tree.leaves(gradient(network)) for network in (plain, again))
    for got, want in zip(other, one, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
