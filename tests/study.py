"""A tiny detector for tests: its batch, and its compiled losses with the gradient of each."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfake import schema
from jaxfake.models import rng
from jaxfake.models.losses import masked_mean
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.meta_learning import MetaSettings
from jaxfake.models.method import Losses, Params
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.runtime.tree_paths import path_name

SIDE, PATCH, BATCH = 32, 8, 6
RECOVER = Recover(
    MaskedAutoencoder(Size(16, 2, 2), Size(8, 1, 2), SIDE, PATCH), MaskSettings("part", 4)
)
SMALL_UNET = (1, 1)
"""Stages of a U-Net that compiles in seconds."""
NO_META = MetaSettings("none", False, 1e-3, 1.0)
MOST_LOSSES = 8
"""No method has more."""
_ROOT = rng.stream(0, "test")
KEYS = rng.seeded_keys(_ROOT, jnp.arange(BATCH, dtype=jnp.uint32))
OTHER_KEYS = rng.seeded_keys(_ROOT, jnp.arange(BATCH, 2 * BATCH, dtype=jnp.uint32))


class Study(NamedTuple):
    """The losses of a batch, and the gradient of each one's mean."""

    losses: Losses
    gradients: dict[str, Any]


def studied(method: Any) -> Callable[..., Study]:
    """The function from parameters, batch and keys of a method to its `Study`.

    One compiled program has the gradient of a weighted sum of all losses; which one is an input.
    """

    @jax.jit
    def weighted(
        params: Params, batch: schema.Batch, keys: jax.Array, weights: jax.Array
    ) -> tuple[Any, Losses]:
        def total(params: Params) -> tuple[jax.Array, Losses]:
            losses = method.losses(params, batch, keys)
            values = jnp.stack([value for _, value in sorted(means(losses).items())])
            return jnp.vdot(values, weights[: len(values)]), losses

        return jax.grad(total, has_aux=True)(params)

    def study(params: Params, batch: schema.Batch, keys: jax.Array) -> Study:
        one_each = np.eye(MOST_LOSSES, dtype=np.float32)
        _, losses = weighted(params, batch, keys, one_each[0])
        return Study(
            losses,
            {
                name: weighted(params, batch, keys, one_each[n])[0]
                for n, name in enumerate(sorted(losses.total))
            },
        )

    return study


def means(losses: Losses) -> dict[str, jax.Array]:
    """The mean of each loss over the examples that count."""
    return {name: masked_mean(term) for name, term in losses.total.items()}


def random_autoencoder(recover: Recover = RECOVER) -> Params:
    """Parameters of stage 1, other than those that stage 2 would draw."""
    return jax.jit(lambda key: recover.init(key, None))(jax.random.key(7))


def unlabelled_faces() -> schema.Batch:
    """All that a detector may use: no label, no mask, no name."""
    image = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    landmarks = np.full((BATCH, 68, 2), np.nan, np.float32)  # the template's parts
    return {schema.IMAGE: image, schema.LANDMARKS: landmarks}


def labelled_faces() -> schema.Batch:
    """Three real faces and three fakes in turn, each of a video of its own, manipulated in their middle."""
    label = np.tile(np.array([schema.REAL, schema.FAKE], np.int32), BATCH // 2)
    middle = np.zeros((SIDE, SIDE), np.uint8)
    middle[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = 255
    return unlabelled_faces() | {
        schema.LABEL: label,
        schema.VALID: np.ones(BATCH, np.bool_),
        schema.FORGERY_MASK: np.where((label == schema.FAKE)[:, None, None], middle, np.uint8(0)),
        schema.HAS_MASK: np.ones(BATCH, np.bool_),
        schema.VIDEO: np.arange(BATCH, dtype=np.uint32),
        schema.MANIPULATION: np.arange(BATCH, dtype=np.uint32) % 4,
    }


def by_name(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by their path."""
    return {path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def with_gradient(gradient: Any) -> set[str]:
    """Names of the parameters whose gradient is not exactly zero."""
    leaves = by_name(jax.device_get(gradient))  # by NumPy, which compiles nothing for each shape
    return {name for name, leaf in leaves.items() if np.any(leaf)}
