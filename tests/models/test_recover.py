"""Stage 1: what its loss and its scores look at, and what they must not."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.faces.parts import FACE_PARTS
from jaxfake.models import rng
from jaxfake.models.losses import masked_mean
from jaxfake.models.mae import MaskedAutoencoder, Recovery
from jaxfake.models.masking import MaskSettings
from jaxfake.models.part_passes import by_pass, mask_each_part
from jaxfake.models.pixels import patchify, to_picture, unpatchify
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute, Size

SIDE, PATCH, MASKED, BATCH = 28, 4, 9, 4
GRID = SIDE // PATCH
MAE = MaskedAutoencoder(Size(16, 1, 2), Size(8, 1, 2), SIDE, PATCH)
RECOVER = Recover(MAE, MaskSettings(count=MASKED))
ROOT = rng.stream(0, "test")


@pytest.fixture(scope="module")
def params():
    return jax.jit(lambda key: RECOVER.init(key, None))(jax.random.key(0))


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    landmarks = np.full((BATCH, 68, 2), np.nan, np.float32)  # the template's parts
    return {
        schema.IMAGE: jnp.asarray(image),
        schema.LANDMARKS: jnp.asarray(landmarks),
        schema.LABEL: jnp.zeros(BATCH, jnp.int32),
        schema.VALID: jnp.ones(BATCH, jnp.bool_),
    }


KEYS = rng.seeded_keys(ROOT, jnp.arange(BATCH, dtype=jnp.uint32))

losses = jax.jit(RECOVER.losses)
predict = jax.jit(RECOVER.predict)
autoencode = jax.jit(MAE.apply)
to_faces = jax.jit(RECOVER.faces)


def loss_values(params, batch, keys=KEYS):
    return losses(params, batch, keys).total["recovery"].values


@dataclasses.dataclass(frozen=True)
class Blind(Recover):
    """Always recovers the same grey face, and records its masks.

    Its image is only the target, so the loss shows which pixels it compares.
    """

    masks: list = dataclasses.field(default_factory=list, compare=False)

    def autoencode(self, params, masked):
        self.masks.append(masked.mask)
        patches = masked.faces.patches
        nothing = jnp.zeros((len(patches), 1))
        return Recovery(jnp.zeros_like(patches), nothing, nothing)


@jax.jit
def blind_losses(batch):
    """Losses of the blind model, and the mask that they were taken over."""
    blind = Blind(MAE, MaskSettings(count=MASKED))
    return blind.losses(None, batch, KEYS).total["recovery"].values, blind.masks[0]


@jax.jit
def perturbed(batch, where):
    """The batch with other pixels in the patches chosen by bool [B, N]."""
    patches = patchify(batch[schema.IMAGE], PATCH)
    other = jnp.where(where[..., None], patches ^ 0x55, patches)
    return batch | {schema.IMAGE: unpatchify(other, PATCH)}


def test_loss_ignores_kept_pixels_of_the_target_and_depends_on_each_masked_patch(batch):
    before, mask = blind_losses(batch)
    assert np.array_equal(mask.dropped.sum(1), [MASKED] * BATCH)
    assert np.array_equal(blind_losses(perturbed(batch, ~mask.dropped))[0], before)
    for column in range(MASKED):
        one = np.arange(GRID**2) == mask.drop[:, column, None]
        assert (blind_losses(perturbed(batch, one))[0] != before).all()


def test_loss_compares_the_networks_recovery_with_the_face(params, batch):
    faces, (_, mask) = to_faces(batch), blind_losses(batch)
    difference = np.asarray(
        autoencode({"params": params}, faces.image, mask).patches - faces.patches
    )
    picked = np.take_along_axis(difference, np.asarray(mask.drop)[..., None], axis=1)
    expected = np.square(picked).mean((1, 2))
    np.testing.assert_allclose(loss_values(params, batch), expected, rtol=1e-5)


def test_recovery_cannot_see_masked_pixels(params, batch):
    image, (_, mask) = to_faces(batch).image, blind_losses(batch)
    recovered = autoencode({"params": params}, image, mask).patches
    unseen = to_faces(perturbed(batch, mask.dropped)).image
    assert not np.array_equal(unseen, image)
    assert np.array_equal(autoencode({"params": params}, unseen, mask).patches, recovered)
    seen = to_faces(perturbed(batch, ~mask.dropped)).image
    assert not np.array_equal(autoencode({"params": params}, seen, mask).patches, recovered)


def mean_loss(method, batch):
    return lambda params: masked_mean(method.losses(params, batch, KEYS).total["recovery"])


def test_every_gradient_is_finite_and_none_is_zero(params, batch):
    gradient = jax.jit(jax.grad(mean_loss(RECOVER, batch)))(params)
    assert all(
        np.isfinite(leaf).all() and np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient)
    )


def test_bfloat16_compute_keeps_loss_and_gradient_in_float32(params, batch):
    half = Recover(dataclasses.replace(MAE, compute=Compute("bfloat16"), parent=None), RECOVER.mask)
    shapes = jax.eval_shape(jax.value_and_grad(mean_loss(half, batch)), params)
    assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype("float32")}
    rough = jax.jit(mean_loss(half, batch))(params)
    exact = loss_values(params, batch).mean()
    assert 0 < abs(rough - exact) < 0.01 * exact


def test_examples_do_not_know_their_neighbours(params, batch):
    """Loss, score, heat and face hang on the example's pixels and key: not on order or padding."""
    alone = predict(params, batch, KEYS)
    order = np.array([2, 0, 3, 1])
    turned = predict(params, rows(batch, order), KEYS[order])
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), rows(alone, order), turned
    )
    own_losses = loss_values(params, batch)[order]
    np.testing.assert_allclose(
        loss_values(params, rows(batch, order), KEYS[order]), own_losses, rtol=1e-4
    )
    padded = batch | {
        schema.IMAGE: batch[schema.IMAGE].at[3].set(255),
        schema.VALID: jnp.array([True, True, True, False]),
    }
    beside = predict(params, padded, KEYS)
    jax.tree.map(np.testing.assert_array_equal, rows(alone, slice(3)), rows(beside, slice(3)))


def rows(tree, which):
    return jax.tree.map(lambda leaf: np.asarray(leaf)[which], tree)


def test_padding_counts_for_nothing_in_the_loss(params, batch):
    padded = batch | {schema.VALID: jnp.array([True, True, False, False])}
    term = losses(params, padded, KEYS).total["recovery"]
    np.testing.assert_allclose(masked_mean(term), term.values[:2].mean(), rtol=1e-6)


def test_other_keys_draw_other_masks(params, batch):
    others = rng.seeded_keys(ROOT, jnp.arange(BATCH, 2 * BATCH, dtype=jnp.uint32))
    assert np.array_equal(loss_values(params, batch), loss_values(params, batch))
    assert (loss_values(params, batch) != loss_values(params, batch, others)).all()


def test_labels_are_not_even_read(params, batch):
    unlabelled = {k: v for k, v in batch.items() if k not in (schema.LABEL, schema.FORGERY_MASK)}
    losses = jax.eval_shape(RECOVER.losses, params, unlabelled, KEYS)
    prediction = jax.eval_shape(RECOVER.predict, params, unlabelled, KEYS)
    assert losses.total["recovery"].values.shape == prediction.score.shape == (len(KEYS),)


def test_prediction_masks_each_part_and_shows_what_it_hid(params, batch):
    masked = jax.jit(lambda faces: mask_each_part(RECOVER.mask, faces, KEYS))(to_faces(batch))
    dropped = np.asarray(by_pass(masked.mask.dropped))
    parts = np.asarray(to_faces(batch).parts.part)
    for part, mask in zip(FACE_PARTS, dropped, strict=True):
        size = (parts == part).sum(1)
        assert np.array_equal((mask & (parts == part)).sum(1), np.minimum(size, MASKED))
    prediction = predict(params, batch, KEYS)
    hidden = dropped.any(0).reshape(-1, GRID, GRID)
    assert np.array_equal(prediction.hidden, hidden)
    assert np.array_equal(prediction.heat > 0, hidden)
    picture, image = np.asarray(to_picture(prediction.recovered)), np.asarray(batch[schema.IMAGE])
    unseen = hidden.repeat(PATCH, 1).repeat(PATCH, 2)
    assert np.array_equal(picture[~unseen], image[~unseen])
    assert (picture[unseen] != image[unseen]).mean() > 0.9


def test_relative_error_does_not_grow_with_contrast(batch):
    """A blind guess of grey scores a face and its low-contrast copy alike, relative to variance."""
    blind = jax.jit(
        lambda batch: Blind(MAE, MaskSettings(count=MASKED)).predict(None, batch, KEYS).evidence
    )
    strong = blind(batch)
    weak = blind(batch | {schema.IMAGE: batch[schema.IMAGE] // 4 + 96})
    assert (weak["error_mean"] < 0.1 * strong["error_mean"]).all()
    np.testing.assert_allclose(weak["relative_mean"], strong["relative_mean"], rtol=0.1)
