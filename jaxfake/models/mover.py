"""Mover (Hu et al., 2305.05943), our reading: two networks that start from the recovery of real faces.

Stated by the abstract: the pretrained encoder is finetuned for the inconsistent information of a face,
and the pretrained masked autoencoder, encoder and decoder, is used to map the face and to tell
real from fake. Our choice is all that the abstract leaves open: the target of the mapping (the face
itself, for real faces only), the features that the verdict is made from, and every number.
"""

import dataclasses
from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, vit
from jaxfake.models.losses import Term, squared_error
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.passes import Faces, Masked, assemble, by_pass, mask_each_part, repeated
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch

Networks = Literal["both", "finetuned", "mapping"]


@dataclasses.dataclass(frozen=True)
class MoverRule:
    """What may be varied.

    Attributes:
        networks: that the verdict is made from; one alone is the ablation of the other.
        map_weight: of the mapping's error on real faces, beside the cross-entropy.
        dropout: of the features.
        drop_path: of the finetuned encoder's branches.
    """

    name: Literal["mover"]
    networks: Networks
    map_weight: float
    dropout: float
    drop_path: float


class Evidence(NamedTuple):
    """What the mapping network says of a face."""

    seen: jax.Array  # [B, D], mean patch of its encoder
    residual: jax.Array  # float32 [B, P], mean over the masked patches of |mapped - face|


class Mapped(NamedTuple):
    """A masked face through the mapping network."""

    patches: jax.Array  # float32 [B, N, P]
    evidence: Evidence


class MoverHead(nn.Module):
    """The verdict on what either network, or both, saw."""

    width: int
    compute: Compute
    dropout: float

    @nn.compact
    def __call__(
        self, overall: jax.Array | None, evidence: Evidence | None, keys: jax.Array | None
    ) -> jax.Array:
        """Logits of real and fake.

        Args:
            overall: [B, D], the finetuned encoder's mean patch; None without that network.
            evidence: None without the mapping network.
            keys: [B], of dropout.
        """
        features = []
        if overall is not None:
            features.append(vit.layer_norm(overall, self.compute, "overall_norm"))
        if evidence is not None:
            features.append(self._mapping(evidence))
        return heads.Verdict(self.compute, self.dropout, name="verdict")(features, keys)

    def _mapping(self, evidence: Evidence) -> jax.Array:
        """[B, D]: what the mapping network saw, and how far it was from what there is."""
        differs = evidence.residual.astype(evidence.seen.dtype)
        residual = vit.dense(self.width, self.compute, "residual")(differs)
        both = [
            vit.layer_norm(evidence.seen, self.compute, "seen_norm"),
            vit.layer_norm(residual, self.compute, "residual_norm"),
        ]
        return vit.dense(self.width, self.compute, "mapping")(jnp.concatenate(both, axis=-1))


@dataclasses.dataclass(frozen=True)
class Mover:
    """Stage 2 for the loop. Parameters: finetuned (encoder), mapping (autoencoder), head."""

    recover: Recover
    rule: MoverRule

    @property
    def heat_threshold(self) -> float | None:
        """The heat is an error."""
        return None

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """Both networks as stage 1 left them, and a fresh head."""
        own, head_key = jax.random.split(key)
        start = self.recover.init(own, autoencoder)
        networks = {"finetuned": start["encoder"], "mapping": start}
        if self.rule.networks != "both":
            networks = {self.rule.networks: networks[self.rule.networks]}
        return networks | {"head": self._fresh_head(head_key, networks)}

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Cross-entropy of every face, and how far real faces are from their mapping."""
        draws = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        masked = Masked(faces, self.recover.training_mask(faces, draws.mask))
        depth = self.recover.mae.encoder.depth
        survival = vit.drop_path(draws.path, depth, self.rule.drop_path)
        mapped = self._mapped(params, masked)
        logits = self._logits(
            params, self._overall(params, faces, survival), mapped, draws.features
        )
        judged = heads.judge(logits, batch)
        total = {"classification": judged.cross_entropy}
        if mapped is not None:
            error = squared_error(mapped.patches, faces.patches).mean(1)
            real = heads.of_class(batch, schema.REAL)
            total["mapping"] = Term(self.rule.map_weight * error, real)
        return Losses(total, {"accuracy": judged.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), mean over the K masks, and the mapped face where there is a mapping network."""
        faces = self.recover.faces(batch)
        masked = mask_each_part(self.recover.mask, faces, keys)
        mapped = self._mapped(params, masked)
        overall = repeated(self._overall(params, faces, None))
        score = heads.fake_probability(self._logits(params, overall, mapped, None))
        score = by_pass(score).mean(0)
        if mapped is None:
            return Prediction(score, None, None, None, {})
        whole = assemble(masked, mapped.patches, self.recover.mae.patch)
        return Prediction(score, whole.error, whole.recovered, whole.hidden, {})

    def _overall(
        self, params: Params, faces: Faces, survival: jax.Array | None
    ) -> jax.Array | None:
        """The whole face through the finetuned encoder, [B, D]."""
        if "finetuned" not in params:
            return None
        return self.recover.overall(params["finetuned"], faces, survival)

    def _mapped(self, params: Params, masked: Masked) -> Mapped | None:
        """The masked face through the mapping network."""
        if "mapping" not in params:
            return None
        face = self.recover.recover(params["mapping"], masked.faces.image, masked.mask)
        distance = jnp.abs(face.patches - masked.faces.patches)
        residual = heads.mean_where(distance, masked.mask.dropped)
        return Mapped(face.patches, Evidence(heads.mean_patch(face.tokens), residual))

    def _logits(
        self,
        params: Params,
        overall: jax.Array | None,
        mapped: Mapped | None,
        keys: jax.Array | None,
    ) -> jax.Array:
        evidence = None if mapped is None else mapped.evidence
        logits = self._head().apply({"params": params["head"]}, overall, evidence, keys)
        return cast(jax.Array, logits)

    def _fresh_head(self, key: jax.Array, networks: Params) -> Params:
        mae = self.recover.mae
        face, pixels = jnp.zeros((1, mae.encoder.width)), jnp.zeros((1, mae.pixels))
        overall = face if "finetuned" in networks else None
        evidence = Evidence(face, pixels) if "mapping" in networks else None
        return self._head().init(key, overall, evidence, None)["params"]

    def _head(self) -> MoverHead:
        mae = self.recover.mae
        return MoverHead(mae.encoder.width, mae.compute, self.rule.dropout)
