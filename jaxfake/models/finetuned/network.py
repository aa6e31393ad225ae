"""The finetuned network as the methods use it: whole faces in, one vector of features a face out."""

import dataclasses
from typing import Protocol, cast

import jax
import jax.numpy as jnp

from jaxfake.faces.parts import FACE_CENTRE
from jaxfake.models.finetuned import tuning
from jaxfake.models.finetuned.foundation_vit import Encoded, FoundationViT
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.models.finetuned.tuning import FINETUNED, IMPORTED
from jaxfake.models.method import Params, fresh_params
from jaxfake.models.part_passes import Faces
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute


class FinetunedNetwork(Protocol):
    """What both kinds have in common."""

    @property
    def width(self) -> int:
        """W, the number of features of a face."""

    @property
    def depth(self) -> int:
        """The number of blocks."""

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """Its parameters among those of a detector, by their first names; arguments as `Method.init`."""

    def overall(self, params: Params, faces: Faces, survival: jax.Array | None = None) -> jax.Array:
        """The features of whole faces, [B, W].

        Args:
            params: of the detector.
            faces: B of them.
            survival: float32 [depth, B, 2], see `vit.drop_path`.
        """


@dataclasses.dataclass(frozen=True)
class StageOneEncoder:
    """The encoder of stage 1, all of which may move. Parameters: finetuned."""

    recover: Recover

    @property
    def width(self) -> int:
        """D."""
        return self.recover.mae.encoder.width

    @property
    def depth(self) -> int:
        """The number of blocks."""
        return self.recover.mae.encoder.depth

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """A copy of the encoder that `recover.init` makes of the same arguments."""
        return {FINETUNED: self.recover.init(key, start)["encoder"]}

    def overall(self, params: Params, faces: Faces, survival: jax.Array | None = None) -> jax.Array:
        """The mean of the patch tokens, [B, D]."""
        return self.recover.overall(params[FINETUNED], faces, survival)


@dataclasses.dataclass(frozen=True)
class ImportedViT:
    """An imported ViT beside the network of the recovery. Parameters: finetuned, imported."""

    settings: ImportedSettings
    compute: Compute

    @property
    def width(self) -> int:
        """2 D for each block whose tokens are read."""
        return 2 * self.settings.vit.size.width * len(self._read)

    @property
    def depth(self) -> int:
        """The number of blocks that are run: none after the last that is read."""
        return max(self._read)

    @property
    def _read(self) -> tuple[int, ...]:
        return self.settings.blocks or (self.settings.vit.size.depth,)

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.settings.side // self.settings.vit.patch

    @property
    def network(self) -> FoundationViT:
        """The ViT with the blocks that are run."""
        size = dataclasses.replace(self.settings.vit.size, depth=self.depth)
        settings = dataclasses.replace(self.settings.vit, size=size)
        return FoundationViT(settings, self.grid, self.compute)

    def fresh_weights(self, key: jax.Array) -> Params:
        """Random weights of all blocks, for their shapes."""
        side = self.settings.side
        whole = FoundationViT(self.settings.vit, self.grid, self.compute)
        return fresh_params(whole, key, jnp.zeros((1, side, side, 3)))

    def run_weights(self, weights: Params) -> Params:
        """Those of the blocks that are run, among the weights of all."""
        kept = jax.tree.map(lambda leaf: leaf[: self.depth], weights["blocks"])
        return weights | {"blocks": kept}

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """The imported weights, of which `tuning` says what may move."""
        weights = (start or {}).get(IMPORTED)
        if weights is None:
            weights = self.fresh_weights(key)
        weights = self.run_weights(weights)
        return tuning.divide(weights, self.settings.tuning, self.settings.lora_rank, key)

    def overall(self, params: Params, faces: Faces, survival: jax.Array | None = None) -> jax.Array:
        """Class token and mean of the patch tokens of each block that is read, [B, W]."""
        side, seen = self.settings.side, middle(faces.image, self.settings.window)
        image = jax.image.resize(seen, (len(seen), side, side, 3), "bicubic")
        output = self.network.apply({"params": tuning.join(params)}, image, survival)
        encoded = cast(Encoded, output)  # Flax types it as what any module may return
        return jnp.concatenate([encoded.pooled[block - 1] for block in self._read], axis=-1)


def middle(image: jax.Array, window: float) -> jax.Array:
    """The square around the middle of the face, of [B, S, S, 3], which is `window` S pixels wide."""
    side = image.shape[1]
    kept = round(window * side)
    left, top = (
        min(max(round(centre * side - kept / 2), 0), side - kept) for centre in FACE_CENTRE
    )
    return image[:, top : top + kept, left : left + kept]
