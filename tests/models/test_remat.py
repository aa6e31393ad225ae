"""Networks that compute activations again have the same losses and gradients as those that keep them."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.models.losses import Term
from jaxfake.models.mae import MaskedAutoencoder, encoder_of
from jaxfake.models.meta_learning import MetaLearned, MetaSettings
from jaxfake.models.method import Losses, Method, Params
from jaxfake.models.pixels import patchify
from jaxfake.models.remat import Remat, Segment, StackRemat, scan_segments
from jaxfake.models.vit import Size
from jaxfake.train.memory.gradient_check import relative
from jaxfake.train.memory.plan import with_remat
from jaxfake.train.step import Gradients, gradients

FACES = 12
MIXED = Remat(overall=(Segment("full", 1), Segment("named", 1)))


@dataclasses.dataclass(frozen=True)
class Encoded:
    """The smallest method with a stack of blocks: what is encoded is to be small."""

    mae: MaskedAutoencoder

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        where = jnp.zeros((1, 4), jnp.int32)
        return encoder_of(self.mae).init(key, jnp.zeros((1, 4, 192)), where)

    def losses(self, params: Params, batch: schema.Batch, keys: jax.Array) -> Losses:
        patches = patchify(batch[schema.IMAGE], self.mae.patch)
        where = jnp.broadcast_to(jnp.arange(4), patches.shape[:2])
        tokens = encoder_of(self.mae).apply(params, patches, where)
        return Losses({"size": Term((tokens[:, :, 0] ** 2).mean(1), jnp.ones(len(keys)))}, {})


def _first_gradients(method: Method, batch: schema.Batch) -> Gradients:
    params = jax.jit(lambda: method.init(jax.random.key(0), None))()
    keys = jax.random.split(jax.random.key(1), len(batch[schema.VALID]))
    step = jax.jit(lambda params, batch, keys: gradients(method, params, batch, keys, 1))
    return jax.device_get(step(params, batch, keys))  # type: ignore[no-any-return]


@pytest.mark.parametrize("learned", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_losses_and_gradients_are_the_same_also_with_meta_learning(learned: bool) -> None:
    """Of the second order: the gradient is taken through an inner gradient with blocks computed again."""
    size = Size(8, 2, 2)
    inside: Any = Encoded(MaskedAutoencoder(size, size, image=16, patch=8))
    batch = {
        schema.IMAGE: np.random.default_rng(0).random((FACES, 16, 16, 3), np.float32),
        schema.VALID: np.ones(FACES, bool),
        schema.VIDEO: np.arange(FACES, dtype=np.uint32),
        schema.LABEL: (np.arange(FACES) % 2).astype(np.int32),
    }
    meta = MetaSettings("videos", second_order=True, inner_rate=0.1, weight=1.0)
    method: Method = MetaLearned(inside, meta) if learned else inside
    plain, planned = (_first_gradients(m, batch) for m in (method, with_remat(method, MIXED)))
    np.testing.assert_allclose(planned.loss, plain.loss, rtol=1e-6)
    leaves: Any = [list(map(np.asarray, jax.tree.leaves(g.params))) for g in (plain, planned)]
    assert relative(*leaves) < 1e-5  # rounding of what is computed again


def test_segments_must_have_all_blocks() -> None:
    stack = StackRemat("encoder", (Segment("full", 2),))
    with pytest.raises(ValueError, match="segments of 2 blocks for a stack of 3"):
        scan_segments(lambda _, x, __: x, jnp.zeros((3, 1)), jnp.zeros((1, 1, 1)), None, stack)
