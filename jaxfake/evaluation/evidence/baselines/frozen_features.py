"""Features of whole faces, nothing masked, by a network that no fake has trained.

They are the class token and the mean of the patch tokens, as DINOv2 is probed (Oquab et al., 2023); of an
imported network, at each block that the detector reads.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxfake.data.examples import Faces
from jaxfake.evaluation.evidence.baselines.kept_features import KeptFeatures
from jaxfake.evaluation.predict import ScoringSettings, device_batches, faces_at_a_time
from jaxfake.models import vit
from jaxfake.models.finetuned.network import ImportedViT
from jaxfake.models.finetuned.tuning import FINETUNED
from jaxfake.models.heads import pool
from jaxfake.models.method import Params
from jaxfake.models.recover import Recover
from jaxfake.schema import Batch
from jaxfake.train import sharding


@dataclasses.dataclass(frozen=True)
class StageOneFeatures:
    """Of the encoder of stage 1. Parameters: encoder."""

    recover: Recover

    def __call__(self, params: Params, batch: Batch) -> jax.Array:
        """[B, 2 D]."""
        tokens = self.recover.whole_tokens(params["encoder"], self.recover.faces(batch))
        return jnp.concatenate([tokens[:, 0], pool(tokens)], axis=-1)


@dataclasses.dataclass(frozen=True)
class ImportedFeatures:
    """Of an imported network, as it was imported, at the blocks that the detector reads. Parameters: its
    weights."""

    recover: Recover
    network: ImportedViT

    def __call__(self, params: Params, batch: Batch) -> jax.Array:
        """[B, W]."""
        run = self.network.run_weights(params)
        return self.network.overall({FINETUNED: run}, self.recover.faces(batch))


@dataclasses.dataclass(frozen=True)
class NormalisedFeatures:
    """The same as the classifier of a detector gets them at first: each face with mean 0 and variance 1."""

    recover: Recover
    network: ImportedViT

    def __call__(self, params: Params, batch: Batch) -> jax.Array:
        """float32 [B, W]."""
        features = ImportedFeatures(self.recover, self.network)(params, batch)
        return jax.nn.standardize(features.astype(jnp.float32), axis=-1, epsilon=vit.EPSILON)


@dataclasses.dataclass(frozen=True, eq=False)
class FrozenNetwork:
    """A network with its parameters.

    Attributes:
        features: from the parameters and a batch of B faces to [B, W]; hashable, since compiled functions
            are kept by it.
        params: what it takes.
        name: by which a probe on its features knows it again.
    """

    features: Callable[[Params, Batch], jax.Array]
    params: Params
    name: str


def frozen_features(
    network: FrozenNetwork,
    faces: Faces,
    rows: np.ndarray,
    scoring: ScoringSettings,
    kept: KeptFeatures | None = None,
) -> np.ndarray:
    """The features of the faces at `rows`, int64 [n], in that order: float32 [n, W].

    Args:
        kept: where those of each batch are kept, and taken from if they are there.
    """
    compiled, at_a_time = _compiled(network.features, scoring.mesh), faces_at_a_time(scoring)
    found = [] if kept is None else _read(kept, len(rows), at_a_time)
    for batch in device_batches(faces, rows[len(found) * at_a_time :], scoring, "features"):
        features = jax.device_get(compiled(network.params, batch.inputs))[: batch.faces]
        features = features.astype(np.float32)
        if kept is not None:
            kept.write(len(found), features)
        found.append(features)
    return np.concatenate(found) if found else np.zeros((0, 0), np.float32)


def _read(kept: KeptFeatures, faces: int, at_a_time: int) -> list[np.ndarray]:
    """Those of the first batches, up to the first that is not kept."""
    found: list[np.ndarray] = []
    for number, first in enumerate(range(0, faces, at_a_time)):
        features = kept.read(number, min(at_a_time, faces - first))
        if features is None:
            break
        found.append(features)
    return found


@functools.cache
def _compiled(features: Callable[[Params, Batch], jax.Array], mesh: Mesh) -> jax.stages.Wrapped:
    """One program for each network."""
    return jax.jit(features, out_shardings=sharding.replicated(mesh))
