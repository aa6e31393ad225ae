"""DeepfakeMAE (Hu et al., 2303.01740v1), our reading: a finetuned encoder and a pretrained decoder.

Stated by the abstract: the pretrained encoder is finetuned for the overall information of a face; the
pretrained decoder tells real from fake, because what it recovers should be closer to a real face than to
a fake one. Our choice is what the abstract leaves open: the decoder gets a masked face through the
frozen encoder of stage 1, and the head gets the residual of the masked patches, enlarged as in RFFR
(Shi et al., 2303.08439), and the last hidden state of the decoder.
"""

import dataclasses
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, vit
from jaxfake.models.finetuned.network import FinetunedNetwork, ImportedViT, StageOneEncoder
from jaxfake.models.losses import Term, mean_over, squared_error
from jaxfake.models.mae import Recovery
from jaxfake.models.method import Losses, Params, Prediction, fresh_params
from jaxfake.models.part_passes import MaskedFaces, combine_passes, enlarged_residual, repeat
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch


@dataclasses.dataclass(frozen=True)
class DeepfakeMAESettings:
    """Settings of the method.

    Attributes:
        decoder: 'trained' trains the decoder further, slowly, and `recovery_weight` keeps it a model of
            real faces; 'frozen' is its ablation.
        recovery_weight: of the masked error of real faces, beside the cross-entropy (MIFAE's 0.5).
        dropout: of the features.
        drop_path: stochastic depth of the finetuned network.
    """

    name: Literal["deepfakemae"]
    decoder: Literal["trained", "frozen"]
    recovery_weight: float
    dropout: float
    drop_path: float


class DeepfakeMAEHead(nn.Module):
    """Classifies the whole face together with the recovery of its masked patches."""

    width: int
    compute: Compute
    dropout: float

    @nn.compact
    def __call__(
        self,
        overall: jax.Array,
        residual: jax.Array,
        hidden: jax.Array,
        dropped: jax.Array,
        keys: jax.Array | None,
    ) -> jax.Array:
        """Logits of real and fake.

        Args:
            overall: [B, W], features of the finetuned network.
            residual: [B, N, P], recovered minus given pixels, enlarged and clipped to -1..1.
            hidden: [B, N, E], the decoder's last hidden state.
            dropped: bool [B, N], the masked patches; the others are ignored.
            keys: [B], of dropout.
        """
        x = vit.dense(self.width, self.compute, "residual")(residual.astype(hidden.dtype))
        x = x + vit.dense(self.width, self.compute, "hidden")(hidden)
        features = [
            vit.layer_norm(overall, self.compute, heads.OVERALL_NORM),
            vit.layer_norm(heads.pool_where(x, dropped), self.compute, "recovery_norm"),
        ]
        return heads.Classifier(self.compute, self.dropout, name=heads.CLASSIFIER)(features, keys)


@dataclasses.dataclass(frozen=True)
class DeepfakeMAE:
    """Stage 2. Parameters: finetuned, frozen (encoder), decoding (decoder), head.

    A decoder that is not trained is among the frozen. With an imported network, that one is finetuned, and
    what of it must not move is under 'imported'.
    """

    recover: Recover
    settings: DeepfakeMAESettings
    imported: ImportedViT | None = None
    heat_threshold: ClassVar[float | None] = None  # the heat is an error

    @property
    def finetuned(self) -> FinetunedNetwork:
        """The network that sees the whole face."""
        return self.imported or StageOneEncoder(self.recover)

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """The finetuned network, an encoder and a decoder from stage 1, and a new head."""
        networks_key, head_key = jax.random.split(key)
        networks = self.finetuned.init(networks_key, start)
        autoencoder = self.recover.init(networks_key, start)
        networks["frozen"] = {"encoder": autoencoder["encoder"]}
        if self.settings.decoder == "frozen":
            networks["frozen"]["decoder"] = autoencoder["decoder"]
        else:
            networks["decoding"] = {"decoder": autoencoder["decoder"]}
        mae = self.recover.mae
        head = fresh_params(
            self._head(),
            head_key,
            jnp.zeros((1, self.finetuned.width)),
            jnp.zeros((1, 1, mae.pixels)),
            jnp.zeros((1, 1, mae.decoder.width)),
            jnp.ones((1, 1), jnp.bool_),
            None,
        )
        return networks | {"head": heads.start_at_probe(head, start, last=False)}

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Cross-entropy of all faces, and the masked error of real faces."""
        each = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        masked = self.recover.mask_for_training(faces, each.mask)
        recovery = self._recovery(params, masked)
        survival = vit.drop_path(each.path, self.finetuned.depth, self.settings.drop_path)
        overall = self.finetuned.overall(params, faces, survival)
        logits = self._logits(params, overall, masked, recovery, each.dropout)
        classified = heads.classification(logits, batch)
        error = mean_over(squared_error(recovery.patches, faces.patches), masked.mask.dropped)
        real = heads.class_weight(batch, schema.REAL)
        total = {
            "classification": classified.cross_entropy,
            "recovery": Term(self.settings.recovery_weight * error, real),
        }
        return Losses(total, {"accuracy": classified.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), mean over the K passes, and the face as the decoder recovers it."""
        faces = self.recover.faces(batch)
        masked = self.recover.mask_each_part(faces, keys)
        recovery = self._recovery(params, masked)
        overall = repeat(self.finetuned.overall(params, faces))
        logits = self._logits(params, overall, masked, recovery, None)
        combined = combine_passes(masked, recovery.patches, self.recover.mae.patch)
        return heads.mean_prediction(logits, combined)

    def _recovery(self, params: Params, masked: MaskedFaces) -> Recovery:
        """The masked face through the frozen encoder and the decoder."""
        frozen = jax.lax.stop_gradient(params["frozen"])
        return self.recover.autoencode({**frozen, **params.get("decoding", {})}, masked)

    def _logits(
        self,
        params: Params,
        overall: jax.Array,
        masked: MaskedFaces,
        recovery: Recovery,
        keys: jax.Array | None,
    ) -> jax.Array:
        residual = enlarged_residual(recovery.patches, masked.faces.patches)
        inputs = overall, residual, recovery.hidden, masked.mask.dropped, keys
        return heads.classify(self._head(), params["head"], *inputs)

    def _head(self) -> DeepfakeMAEHead:
        mae = self.recover.mae
        return DeepfakeMAEHead(mae.encoder.width, mae.compute, self.settings.dropout)
