"""Delocate: which faces and pixels train its map."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.models import losses
from jaxfake.models.delocate import Delocate, DelocateSettings
from jaxfake.models.masking import MaskSettings
from jaxfake.models.method import Losses
from jaxfake.models.vit import Compute
from tests.study import (
    BATCH,
    KEYS,
    NO_META,
    RECOVER,
    SIDE,
    labelled_faces,
    random_autoencoder,
)

SETTINGS = DelocateSettings("delocate", 2, 4, 4, 0.5, 0.0, NO_META, stages=(1,))
DELOCATE = Delocate(RECOVER, SETTINGS)
FAKE = np.arange(BATCH) % 2 == 1


@pytest.fixture(scope="module")
def params() -> Any:
    return jax.jit(DELOCATE.init)(jax.random.key(0), random_autoencoder())


@pytest.fixture(scope="module")
def compiled() -> Any:
    return jax.jit(DELOCATE.losses)


def _losses(compiled: Any, params: Any, **changes: np.ndarray) -> Losses:
    return compiled(params, labelled_faces() | changes, KEYS)


def test_a_fake_without_a_mask_counts_in_classification_only(compiled: Any, params: Any) -> None:
    unknown = ~FAKE | (np.arange(BATCH) > 1)  # all but the first fake have a mask
    total = _losses(compiled, params, has_mask=unknown).total
    for name in ("pixels", "dice", "push"):
        assert total[name].weight[1] == 0
    np.testing.assert_array_equal(total["pixels"].weight, unknown)
    np.testing.assert_array_equal(total["dice"].weight, unknown & FAKE)
    np.testing.assert_array_equal(total["classification"].weight, 1)


def test_a_fake_with_an_empty_mask_has_no_dice(compiled: Any, params: Any) -> None:
    nothing = np.zeros((BATCH, SIDE, SIDE), np.uint8)
    total = _losses(compiled, params, forgery_mask=nothing).total
    assert not np.any(total["dice"].weight)
    assert not np.any(total["push"].weight)
    assert all(np.isfinite(term.values).all() for term in total.values())


def test_predictions_do_not_use_the_mask(params: Any) -> None:
    seen = (schema.IMAGE, schema.LANDMARKS)
    batch = {name: value for name, value in labelled_faces().items() if name in seen}
    prediction = jax.eval_shape(DELOCATE.predict, params, batch, KEYS)
    assert prediction.heat.shape == (BATCH, SIDE, SIDE)


def test_the_map_follows_its_mask_when_it_is_trained(params: Any, compiled: Any) -> None:
    """A few plain descents on one batch bring the pixels' errors down."""
    batch = labelled_faces()

    @jax.jit
    def descend(localising: Any) -> Any:
        def objective(localising: Any) -> jax.Array:
            total = DELOCATE.losses(params | {"localising": localising}, batch, KEYS).total
            return losses.masked_mean(total["pixels"]) + losses.masked_mean(total["dice"])

        slope = jax.grad(objective)(localising)
        return jax.tree.map(lambda leaf, change: leaf - 0.1 * change, localising, slope)

    learnt = params["localising"]
    for _ in range(60):
        learnt = descend(learnt)
    before = compiled(params, batch, KEYS).total
    after = compiled(params | {"localising": learnt}, batch, KEYS).total
    for name in ("pixels", "dice"):
        assert losses.masked_mean(after[name]) < 0.9 * losses.masked_mean(before[name])


def test_pixel_losses_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 4, 4)).astype(np.float32)
    truth = (rng.random((3, 4, 4)) > 0.5).astype(np.float32)
    chance = 1 / (1 + np.exp(-logits))
    entropy = -(2.0 * truth * np.log(chance) + (1 - truth) * np.log(1 - chance))
    got = losses.pixel_cross_entropy(logits, truth, 2.0)
    np.testing.assert_allclose(got, entropy.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(losses.soft_dice_loss(truth, truth), 0.0, atol=1e-6)
    opposite = losses.soft_dice_loss(1 - truth, truth)
    np.testing.assert_allclose(opposite, 1 - 1 / 17, rtol=1e-5)


def test_passes_mask_as_many_patches_as_the_rule_says(params: Any) -> None:
    one_each = dataclasses.replace(RECOVER, mask=MaskSettings("part", 1))
    few = Delocate(one_each, SETTINGS)
    batch = labelled_faces()

    def most_hidden(method: Delocate) -> int:
        hidden = jax.jit(lambda *given: method.predict(*given).hidden)  # the rest is not compiled
        return int(np.asarray(hidden(params, batch, KEYS)).sum(axis=(1, 2)).max())

    hidden = [most_hidden(one) for one in (few, DELOCATE)]
    assert hidden[0] <= 3 < hidden[1]


def test_half_precision_is_of_activations_alone() -> None:
    mae = dataclasses.replace(RECOVER.mae, compute=Compute("bfloat16"), parent=None)
    half = Delocate(dataclasses.replace(RECOVER, mae=mae), SETTINGS)
    params = jax.eval_shape(lambda: half.init(jax.random.key(0), None))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float32")}
    total = jax.eval_shape(half.losses, params, labelled_faces(), KEYS).total
    assert {term.values.dtype for term in total.values()} == {np.dtype("float32")}
    prediction = jax.eval_shape(half.predict, params, labelled_faces(), KEYS)
    assert {prediction.score.dtype, prediction.heat.dtype} == {np.dtype("float32")}
