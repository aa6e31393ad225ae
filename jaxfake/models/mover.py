"""Mover (Hu et al., 2305.05943), our reading: two networks that start from the recovery of real faces.

Stated by the abstract: the pretrained encoder is finetuned for the inconsistent information of a face,
and the pretrained masked autoencoder, encoder and decoder, is used to map the face and to tell real from
fake. Our choice is all that the abstract leaves open: the target of the mapping (the face itself, for
real faces only), the features of the classifier, and every number.
"""

import dataclasses
from typing import ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, vit
from jaxfake.models.finetuned.network import FinetunedNetwork, ImportedViT, StageOneEncoder
from jaxfake.models.losses import Term, squared_error
from jaxfake.models.method import Losses, Params, Prediction, fresh_params
from jaxfake.models.part_passes import Faces, MaskedFaces, combine_passes, repeat
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch

Networks = Literal["both", "finetuned", "mapping"]


@dataclasses.dataclass(frozen=True)
class MoverSettings:
    """Settings of the method.

    Attributes:
        networks: whose features the classifier gets; each of the two alone is an ablation.
        map_weight: of the mapping's error on real faces, beside the cross-entropy.
        dropout: of the features.
        drop_path: stochastic depth of the finetuned network.
    """

    name: Literal["mover"]
    networks: Networks
    map_weight: float
    dropout: float
    drop_path: float


class MappingFeatures(NamedTuple):
    """What the classifier gets of the mapping network."""

    encoded: jax.Array  # [B, D], pooled output of its encoder
    residual: jax.Array  # float32 [B, P], mean over the masked patches of |mapped - face|


class Mapped(NamedTuple):
    """A masked face through the mapping network."""

    patches: jax.Array  # float32 [B, N, P]
    features: MappingFeatures


class MoverHead(nn.Module):
    """Classifies the features of one network, or of both."""

    width: int
    compute: Compute
    dropout: float

    @nn.compact
    def __call__(
        self, overall: jax.Array | None, mapping: MappingFeatures | None, keys: jax.Array | None
    ) -> jax.Array:
        """Logits of real and fake.

        Args:
            overall: [B, W], features of the finetuned network; None without that network.
            mapping: None without the mapping network.
            keys: [B], of dropout.
        """
        features = []
        if overall is not None:
            features.append(vit.layer_norm(overall, self.compute, heads.OVERALL_NORM))
        if mapping is not None:
            features.append(self._mapping(mapping))
        return heads.Classifier(self.compute, self.dropout, name=heads.CLASSIFIER)(features, keys)

    def _mapping(self, mapping: MappingFeatures) -> jax.Array:
        """[B, D], from the encoded face and the residual."""
        residual = mapping.residual.astype(mapping.encoded.dtype)
        residual = vit.dense(self.width, self.compute, "residual")(residual)
        both = [
            vit.layer_norm(mapping.encoded, self.compute, "seen_norm"),
            vit.layer_norm(residual, self.compute, "residual_norm"),
        ]
        return vit.dense(self.width, self.compute, "mapping")(jnp.concatenate(both, axis=-1))


@dataclasses.dataclass(frozen=True)
class Mover:
    """Stage 2. Parameters: finetuned (encoder), mapping (autoencoder), head.

    With an imported network, that one is finetuned, and what of it must not move is under 'imported'.
    """

    recover: Recover
    settings: MoverSettings
    imported: ImportedViT | None = None
    heat_threshold: ClassVar[float | None] = None  # the heat is an error

    @property
    def finetuned(self) -> FinetunedNetwork:
        """The network that sees the whole face."""
        return self.imported or StageOneEncoder(self.recover)

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """Both networks as they start, and a new head."""
        networks_key, head_key = jax.random.split(key)
        networks: Params = {}
        overall, mapping = None, None
        if self.settings.networks != "mapping":
            networks |= self.finetuned.init(networks_key, start)
            overall = jnp.zeros((1, self.finetuned.width))
        if self.settings.networks != "finetuned":
            networks["mapping"] = self.recover.init(networks_key, start)
            mae = self.recover.mae
            encoded, pixels = jnp.zeros((1, mae.encoder.width)), jnp.zeros((1, mae.pixels))
            mapping = MappingFeatures(encoded, pixels)
        head = fresh_params(self._head(), head_key, overall, mapping, None)
        return networks | {"head": heads.start_at_probe(head, start, last=False)}

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Cross-entropy of all faces, and the distance of real faces from their mapping."""
        each = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        masked = self.recover.mask_for_training(faces, each.mask)
        survival = vit.drop_path(each.path, self.finetuned.depth, self.settings.drop_path)
        mapped = self._mapped(params, masked)
        overall = self._overall(params, faces, survival)
        logits = self._logits(params, overall, mapped, each.dropout)
        classified = heads.classification(logits, batch)
        total = {"classification": classified.cross_entropy}
        if mapped is not None:
            error = squared_error(mapped.patches, faces.patches).mean(1)
            real = heads.class_weight(batch, schema.REAL)
            total["mapping"] = Term(self.settings.map_weight * error, real)
        return Losses(total, {"accuracy": classified.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), mean over the K passes, and the mapped face if there is a mapping network."""
        faces = self.recover.faces(batch)
        masked = self.recover.mask_each_part(faces, keys)
        mapped = self._mapped(params, masked)
        overall = repeat(self._overall(params, faces, None))
        logits = self._logits(params, overall, mapped, None)
        if mapped is None:
            return heads.mean_prediction(logits, None)
        combined = combine_passes(masked, mapped.patches, self.recover.mae.patch)
        return heads.mean_prediction(logits, combined)

    def _overall(
        self, params: Params, faces: Faces, survival: jax.Array | None
    ) -> jax.Array | None:
        """The whole face through the finetuned network, [B, W]."""
        if "finetuned" not in params:
            return None
        return self.finetuned.overall(params, faces, survival)

    def _mapped(self, params: Params, masked: MaskedFaces) -> Mapped | None:
        """The masked face through the mapping network."""
        if "mapping" not in params:
            return None
        face = self.recover.autoencode(params["mapping"], masked)
        distance = jnp.abs(face.patches - masked.faces.patches)
        residual = heads.pool_where(distance, masked.mask.dropped)
        return Mapped(face.patches, MappingFeatures(heads.pool(face.tokens), residual))

    def _logits(
        self,
        params: Params,
        overall: jax.Array | None,
        mapped: Mapped | None,
        keys: jax.Array | None,
    ) -> jax.Array:
        mapping = None if mapped is None else mapped.features
        return heads.classify(self._head(), params["head"], overall, mapping, keys)

    def _head(self) -> MoverHead:
        mae = self.recover.mae
        return MoverHead(mae.encoder.width, mae.compute, self.settings.dropout)
