"""Stage 1, recovering: a masked autoencoder of real faces, shared by all four methods.

Our reading of DeepfakeMAE, Mover, Recap and Delocate: facial parts of REAL faces are masked and
recovered from the other parts. Mean squared error over the masked patches, on raw pixels so that the
result is a picture (He et al. also offer per-patch normalised pixels, which are none).

`predict` is the whole idea with nothing trained on top: the masked recovery error as a zero-shot
detector. Each part is masked once; the error is given as it is and divided by the part's own pixel
variance, since the plain error mostly measures texture.
"""

import dataclasses
from typing import cast

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES, part_map
from jaxfake.models.heads import mean_patch
from jaxfake.models.losses import Term, mean_over, squared_error
from jaxfake.models.mae import MaskedAutoencoder, Recovery, encoder_of
from jaxfake.models.masking import Mask, MaskRule, choose_parts, draw_mask, nothing_masked
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.passes import Faces, Masked, assemble, by_pass, mask_each_part
from jaxfake.models.pixels import normalise, patchify
from jaxfake.schema import Batch


@dataclasses.dataclass(frozen=True)
class Recover:
    """Stage 1 for the loop, and the recovery that stage 2 and the reports use."""

    mae: MaskedAutoencoder
    mask: MaskRule

    @property
    def heat_threshold(self) -> float | None:
        """The heat is an error."""
        return None

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """The given parameters of the autoencoder, or fresh ones."""
        if autoencoder is not None:
            return autoencoder
        side = self.mae.image
        mask = nothing_masked(1, self.mae.grid**2)
        return self.mae.init(key, jnp.zeros((1, side, side, 3)), mask)["params"]

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Squared error over the masked patches, averaged per example; all real faces count alike."""
        faces = self.faces(batch)
        mask = self.training_mask(faces, keys)
        recovery = self.recover(params, faces.image, mask)
        error = mean_over(squared_error(recovery.patches, faces.patches), mask.dropped)
        valid = batch[schema.VALID].astype(jnp.float32)
        return Losses({"recovery": Term(error, valid)}, {})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """The recovery error of each part in turn, as scores, as a heat map and as a face."""
        faces = self.faces(batch)
        masked = mask_each_part(self.mask, faces, keys)
        predicted = self.recover(params, masked.faces.image, masked.mask).patches
        evidence = _evidence(masked, squared_error(predicted, masked.faces.patches))
        whole = assemble(masked, predicted, self.mae.patch)
        return Prediction(
            score=evidence["error_mean"],
            heat=whole.error,
            recovered=whole.recovered,
            hidden=whole.hidden,
            evidence=evidence,
        )

    def faces(self, batch: Batch) -> Faces:
        """Normalised pixels, patches and part map, all on device."""
        image = normalise(batch[schema.IMAGE])
        parts = part_map(batch[schema.LANDMARKS], self.mae.image, self.mae.patch)
        return Faces(image, patchify(image, self.mae.patch), parts)

    def training_mask(self, faces: Faces, keys: jax.Array) -> Mask:
        """One mask per face, from its key: of a part drawn at random in the modes that mask parts."""
        part_keys, mask_keys = _split(keys)
        return draw_mask(self.mask, mask_keys, faces.parts, choose_parts(part_keys))

    def recover(self, params: Params, image: jax.Array, mask: Mask) -> Recovery:
        """The autoencoder on a masked face."""
        recovery = self.mae.apply({"params": params}, image, mask)
        return cast(Recovery, recovery)  # Flax types it as what any module may return

    def overall(
        self, encoder: Params, faces: Faces, survival: jax.Array | None = None
    ) -> jax.Array:
        """An encoder on the whole face, nothing masked: the mean patch, [B, D]."""
        everywhere = nothing_masked(*faces.patches.shape[:2]).keep
        network = encoder_of(self.mae)
        tokens = network.apply({"params": encoder}, faces.patches, everywhere, survival)
        return mean_patch(cast(jax.Array, tokens))


def _split(keys: jax.Array) -> tuple[jax.Array, jax.Array]:
    pairs = jax.vmap(jax.random.split)(keys)
    return pairs[:, 0], pairs[:, 1]


def _evidence(masked: Masked, error: jax.Array) -> dict[str, jax.Array]:
    """Masked error of each part, raw and divided by the part's variance; their means and maxima."""
    in_pass = mean_over(error, masked.mask.dropped)
    raw = by_pass(in_pass)
    relative = by_pass(in_pass / _variance(masked))
    evidence = {
        "error_mean": raw.mean(0),
        "error_max": raw.max(0),
        "relative_mean": relative.mean(0),
        "relative_max": relative.max(0),
    }
    for k, part in enumerate(FACE_PARTS):
        evidence[f"error_{PART_NAMES[part]}"] = raw[k]
        evidence[f"relative_{PART_NAMES[part]}"] = relative[k]
    return evidence


def _variance(masked: Masked) -> jax.Array:
    """Variance of the true pixels under each mask, [K B]; a floor keeps a flat part finite."""
    patches, dropped = masked.faces.patches, masked.mask.dropped
    mean = mean_over(patches.mean(-1), dropped)[:, None, None]
    spread = mean_over(jnp.square(patches - mean).mean(-1), dropped)
    return jnp.maximum(spread, 1e-4)
