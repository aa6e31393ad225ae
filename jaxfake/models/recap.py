"""Recap (Hu et al., 2308.09921), our reading: the recovered face supervises a mapping of faces.

Stated by the abstract: the output of the recovery supervises the mapping of faces; the mapping emphasises
fakes that were recovered poorly and makes their representation worse, and refines that of real faces.
Our reading of this: a mapping network that sees the whole face is pulled to the frozen recovery for real
faces and pushed away from it for fakes. Everything else is our choice, above all the margin: a push
without a margin has no optimum (MIFAE's DualRecon; here an ablation).
"""

import dataclasses
from typing import ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, margin_loss, vit
from jaxfake.models.finetuned.network import ImportedViT
from jaxfake.models.losses import Term, mean_over, squared_error
from jaxfake.models.mae import Recovery, recovered_patches
from jaxfake.models.method import Losses, Params, Prediction, fresh_params
from jaxfake.models.part_passes import Faces, MaskedFaces, combine_passes, repeat
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch


@dataclasses.dataclass(frozen=True)
class RecapSettings:
    """Settings of the method.

    Attributes:
        mapping: 'margin' pulls real faces and pushes fakes up to the margin; 'real' only pulls (MIFAE's
            RealRecon); 'unbounded' pushes without a margin (its DualRecon); 'none' does neither.
        emphasis: whether poorly recovered fakes have a larger weight.
        map_weight: of the mapping losses, beside the cross-entropy.
        dropout: of the features.
    """

    name: Literal["recap"]
    mapping: Literal["margin", "real", "unbounded", "none"]
    emphasis: bool
    map_weight: float
    dropout: float


class Comparison(NamedTuple):
    """A mapped face compared with the recovered face."""

    encoded: jax.Array  # [B, D], pooled output of the mapping network's encoder
    discrepancy: jax.Array  # float32 [B, N], mean over the pixels of |mapped - recovered|
    distance: jax.Array  # float32 [B], mean squared difference over the masked patches
    recovery_error: jax.Array  # float32 [B], of the masked patches


class RecapHead(nn.Module):
    """Classifies the mapped face and the map of its discrepancy from the recovered face.

    With an imported network, what that one sees in the whole face comes beside them.
    """

    width: int
    compute: Compute
    dropout: float

    @nn.compact
    def __call__(
        self,
        encoded: jax.Array,
        discrepancy: jax.Array,
        overall: jax.Array | None,
        keys: jax.Array | None,
    ) -> jax.Array:
        """Logits of real and fake.

        Args:
            encoded, discrepancy: see `Comparison`.
            overall: [B, W], features of the imported network; None without one.
            keys: [B], of dropout.
        """
        x = vit.dense(self.width, self.compute, "discrepancy")(discrepancy.astype(encoded.dtype))
        features = [
            vit.layer_norm(encoded, self.compute, "seen_norm"),
            vit.layer_norm(x, self.compute, "discrepancy_norm"),
        ]
        if overall is not None:
            features.append(vit.layer_norm(overall, self.compute, heads.OVERALL_NORM))
        return heads.Classifier(self.compute, self.dropout, name=heads.CLASSIFIER)(features, keys)


@dataclasses.dataclass(frozen=True)
class Recap:
    """Stage 2. Parameters: frozen (autoencoder, the teacher), mapping (autoencoder), head, margin.

    With an imported network, 'finetuned' and 'imported' beside them.
    """

    recover: Recover
    settings: RecapSettings
    imported: ImportedViT | None = None
    heat_threshold: ClassVar[float | None] = None  # the heat is an error

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """Teacher and mapping network from stage 1, and a new head."""
        networks_key, head_key = jax.random.split(key)
        autoencoder = self.recover.init(networks_key, start)
        networks, overall = {"frozen": autoencoder, "mapping": autoencoder}, None
        if self.imported is not None:
            networks |= self.imported.init(networks_key, start)
            overall = jnp.zeros((1, self.imported.width))
        mae = self.recover.mae
        encoded, discrepancy = jnp.zeros((1, mae.encoder.width)), jnp.zeros((1, mae.grid**2))
        head = fresh_params(self._head(), head_key, encoded, discrepancy, overall, None)
        head = heads.start_at_probe(head, start, last=True)
        return networks | {"head": head, "margin": margin_loss.initial_medians()}

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Cross-entropy, pull and push of the mapping, and the losses of the two medians."""
        each = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        masked = self.recover.mask_for_training(faces, each.mask)
        recovery = self._recovery(params, masked)
        mapped = self.recover.autoencode_whole(params["mapping"], faces)
        comparison = _compare(mapped, recovery, masked)
        overall = self._overall(params, faces)
        logits = self._logits(params, comparison, overall, each.dropout)
        classified = heads.classification(logits, batch)
        mapping = self._mapping_terms(params["margin"], comparison, batch)
        total = {"classification": classified.cross_entropy} | mapping
        return Losses(total, {"accuracy": classified.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), mean over the K passes, and the face as the teacher recovers it."""
        faces = self.recover.faces(batch)
        masked = self.recover.mask_each_part(faces, keys)
        recovery = self._recovery(params, masked)
        mapped = repeat(self.recover.autoencode_whole(params["mapping"], faces))
        overall = repeat(self._overall(params, faces))
        logits = self._logits(params, _compare(mapped, recovery, masked), overall, None)
        combined = combine_passes(masked, recovery.patches, self.recover.mae.patch)
        return heads.mean_prediction(logits, combined)

    def _mapping_terms(
        self, medians: Params, comparison: Comparison, batch: Batch
    ) -> dict[str, Term]:
        """Pulls real faces to their recovery, pushes fakes away from it, and trains the medians."""
        real, fake = (heads.class_weight(batch, label) for label in (schema.REAL, schema.FAKE))
        distance, error = comparison.distance, comparison.recovery_error
        terms = margin_loss.median_losses(medians, Term(distance, real), Term(error, fake))
        weight = self.settings.map_weight
        if self.settings.mapping != "none":
            terms["pull"] = Term(weight * distance, real)
        push = {
            "margin": jax.nn.relu(margin_loss.margin(medians) - distance),
            "unbounded": -distance,
        }.get(self.settings.mapping)
        if push is not None:
            emphasis = margin_loss.emphasis(medians, error) if self.settings.emphasis else 1.0
            terms["push"] = Term(weight * emphasis * push, fake)
        return terms

    def _recovery(self, params: Params, masked: MaskedFaces) -> Recovery:
        """The masked face as the frozen autoencoder recovers it."""
        return self.recover.autoencode(jax.lax.stop_gradient(params["frozen"]), masked)

    def _overall(self, params: Params, faces: Faces) -> jax.Array | None:
        """The whole face through the imported network, [B, W]."""
        return None if self.imported is None else self.imported.overall(params, faces)

    def _logits(
        self,
        params: Params,
        comparison: Comparison,
        overall: jax.Array | None,
        keys: jax.Array | None,
    ) -> jax.Array:
        inputs = comparison.encoded, comparison.discrepancy, overall, keys
        return heads.classify(self._head(), params["head"], *inputs)

    def _head(self) -> RecapHead:
        mae = self.recover.mae
        return RecapHead(mae.encoder.width, mae.compute, self.settings.dropout)


def _compare(mapped: Recovery, recovery: Recovery, masked: MaskedFaces) -> Comparison:
    """Compares the mapped face with the recovered one, which is the given face outside of the mask."""
    dropped = masked.mask.dropped
    target = recovered_patches(masked.faces.patches, recovery, masked.mask)
    return Comparison(
        encoded=heads.pool(mapped.tokens),
        discrepancy=jnp.abs(mapped.patches - target).mean(-1),
        distance=mean_over(squared_error(mapped.patches, target), dropped),
        recovery_error=mean_over(squared_error(recovery.patches, masked.faces.patches), dropped),
    )
