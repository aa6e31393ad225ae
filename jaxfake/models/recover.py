"""Stage 1, recovering: a masked autoencoder of real faces, shared by all four methods.

Our reading of DeepfakeMAE, Mover, Recap and Delocate: facial parts of REAL faces are masked and
recovered from the other parts. Mean squared error over the masked patches, on raw pixels so that the
result is a picture (He et al. also offer per-patch normalised pixels, which are none).

`predict` is the whole idea with nothing trained on top: the masked recovery error as a zero-shot
detector. Each part is masked once; the error is given as it is and divided by the part's own pixel
variance, since the plain error mostly measures texture.
"""

import dataclasses
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES, PartMap, part_map
from jaxfake.losses import Term, mean_over, squared_error
from jaxfake.masking import Mask, MaskRule, choose_parts, draw_mask
from jaxfake.models.mae import MaskedAutoencoder, Recovery, recovered_patches
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.pixels import normalise, patchify, unpatchify
from jaxfake.schema import Batch


class Faces(NamedTuple):
    """A batch as the networks take it."""

    image: jax.Array  # float32 [B, H, W, 3] in -1..1
    patches: jax.Array  # float32 [B, N, P]
    parts: PartMap


class PartPass(NamedTuple):
    """One face with one part masked."""

    mask: Mask
    recovery: Recovery
    error: jax.Array  # float32 [B, N], squared error of every patch


@dataclasses.dataclass(frozen=True)
class Recover:
    """Stage 1 for the loop, and the recovery that stage 2 and the reports use."""

    mae: MaskedAutoencoder
    mask: MaskRule

    def init(self, key: jax.Array) -> Params:
        """Fresh parameters of the autoencoder."""
        side, patches = self.mae.image, self.mae.grid**2
        everything = jnp.arange(patches, dtype=jnp.int32)[None]
        kept = patches - self.mask.count
        mask = Mask(everything[:, :kept], everything[:, kept:], everything)
        return self.mae.init(key, jnp.zeros((1, side, side, 3)), mask)["params"]

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Squared error over the masked patches, averaged per example; all real faces count alike."""
        faces = self.faces(batch)
        part_keys, mask_keys = _split(keys)
        mask = draw_mask(self.mask, mask_keys, faces.parts, choose_parts(part_keys))
        recovery = self.recover(params, faces.image, mask)
        error = mean_over(squared_error(recovery.patches, faces.patches), mask.dropped)
        valid = batch[schema.VALID].astype(jnp.float32)
        return Losses({"recovery": Term(error, valid)}, {})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """The recovery error of each part in turn, as scores, as a heat map and as a face."""
        faces = self.faces(batch)
        passes = self.part_passes(params, faces, keys)
        evidence = _evidence(faces, passes)
        assembled = faces.patches
        heat = jnp.zeros(faces.patches.shape[:2])
        hidden = jnp.zeros(faces.patches.shape[:2], jnp.bool_)
        for one in passes:
            assembled = recovered_patches(assembled, one.recovery, one.mask)
            heat = jnp.where(one.mask.dropped, one.error, heat)
            hidden |= one.mask.dropped
        grid = self.mae.grid
        return Prediction(
            score=evidence["error_mean"],
            heat=heat.reshape(-1, grid, grid),
            recovered=unpatchify(assembled, self.mae.patch),
            hidden=hidden.reshape(-1, grid, grid),
            evidence=evidence,
        )

    def faces(self, batch: Batch) -> Faces:
        """Normalised pixels, patches and part map, all on device."""
        image = normalise(batch[schema.IMAGE])
        parts = part_map(batch[schema.LANDMARKS], self.mae.image, self.mae.patch)
        return Faces(image, patchify(image, self.mae.patch), parts)

    def recover(self, params: Params, image: jax.Array, mask: Mask) -> Recovery:
        """The autoencoder on a masked face."""
        recovery = self.mae.apply({"params": params}, image, mask)
        return cast(Recovery, recovery)  # Flax types it as what any module may return

    def part_passes(self, params: Params, faces: Faces, keys: jax.Array) -> list[PartPass]:
        """Recovers the face once for each part, with M of that part's patches masked.

        All passes go through the networks as one batch of K x B.
        """
        count, passes = len(faces.image), len(FACE_PARTS)
        fold = jax.vmap(jax.random.fold_in)
        part = jnp.repeat(jnp.asarray(FACE_PARTS, jnp.int32), count)
        several: Faces = jax.tree.map(lambda one: jnp.concatenate([one] * passes), faces)
        part_keys = fold(jnp.concatenate([keys] * passes), part)
        mask = draw_mask(self.mask, part_keys, several.parts, part)
        recovery = self.recover(params, several.image, mask)
        error = squared_error(recovery.patches, several.patches)
        together = PartPass(mask, recovery, error)
        return [
            jax.tree.map(lambda leaf, k=k: leaf[k * count : (k + 1) * count], together)
            for k in range(passes)
        ]


def _split(keys: jax.Array) -> tuple[jax.Array, jax.Array]:
    pairs = jax.vmap(jax.random.split)(keys)
    return pairs[:, 0], pairs[:, 1]


def _evidence(faces: Faces, passes: list[PartPass]) -> dict[str, jax.Array]:
    """Masked error of each part, raw and divided by the part's variance; their means and maxima."""
    raw = jnp.stack([mean_over(one.error, one.mask.dropped) for one in passes], axis=1)
    relative = raw / jnp.stack([_variance(faces, one.mask) for one in passes], axis=1)
    evidence = {
        "error_mean": raw.mean(1),
        "error_max": raw.max(1),
        "relative_mean": relative.mean(1),
        "relative_max": relative.max(1),
    }
    for column, part in enumerate(FACE_PARTS):
        evidence[f"error_{PART_NAMES[part]}"] = raw[:, column]
        evidence[f"relative_{PART_NAMES[part]}"] = relative[:, column]
    return evidence


def _variance(faces: Faces, mask: Mask) -> jax.Array:
    """Variance of the true pixels under the mask, [B]; a floor keeps a flat part finite."""
    mean = mean_over(faces.patches.mean(-1), mask.dropped)[:, None, None]
    spread = mean_over(jnp.square(faces.patches - mean).mean(-1), mask.dropped)
    return jnp.maximum(spread, 1e-4)
