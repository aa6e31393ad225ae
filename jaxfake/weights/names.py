"""The table of the names that other codebases give to the weights of our masked autoencoder.

Our names are paths of parameters. The blocks of a stack share one path: each of their weights is one array
with a leading axis of blocks. Their names are those in a PyTorch checkpoint, with one array per block.
"""

import dataclasses
from typing import Literal

Transposition = Literal["same", "linear", "patches"]
"""How their array becomes ours.

'same': unchanged. 'linear': [out, in] to [in, out]. 'patches': the convolution that embeds patches,
[D, C, p, p], to the matrix [P, D] over pixels in the order (row, column, channel).
"""


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One array of a layer: the ends of its names, and its transposition."""

    ours: str
    theirs: str
    transposition: Transposition


Kind = tuple[Leaf, ...]
TOKEN: Kind = (Leaf("", "", "same"),)
NORM: Kind = (Leaf("/scale", ".weight", "same"), Leaf("/bias", ".bias", "same"))
LINEAR: Kind = (Leaf("/kernel", ".weight", "linear"), Leaf("/bias", ".bias", "same"))
PATCHES: Kind = (Leaf("/kernel", ".weight", "patches"), Leaf("/bias", ".bias", "same"))


@dataclasses.dataclass(frozen=True)
class Layer:
    """A row of the table: one layer in each codebase.

    '{i}' is the index of the block. Where there are three names, our layer is theirs stacked in this order.

    Attributes:
        facebook: the MAE of He et al. (2022); its encoder has the names of timm's ViT.
        hub: HF ViTMAE, as its checkpoints on the hub have it.
        hf: HF ViTMAE in memory, since transformers 5.
    """

    ours: str
    kind: Kind
    facebook: tuple[str, ...]
    hub: tuple[str, ...]
    hf: tuple[str, ...]


def _outside(ours: str, kind: Kind, facebook: str, hf: str) -> Layer:
    """A layer outside the blocks, for which both versions of HF have the same name."""
    return Layer(ours, kind, (facebook,), (hf,), (hf,))


def _block(ours: str, facebook: str, hub: str, hf: str) -> tuple[Layer, ...]:
    """The layers of a block; the arguments are the names of the block."""

    def layer(name: str, kind: Kind, hub_names: str, hf_names: str) -> Layer:
        return Layer(
            f"{ours}/{name}",
            kind,
            (f"{facebook}.{name.replace('/', '.')}",),
            tuple(f"{hub}.{word}" for word in hub_names.split()),
            tuple(f"{hf}.{word}" for word in hf_names.split()),
        )

    hub_qkv = "attention.attention.query attention.attention.key attention.attention.value"
    hf_qkv = "attention.q_proj attention.k_proj attention.v_proj"
    return (
        layer("norm1", NORM, "layernorm_before", "layernorm_before"),
        layer("attn/qkv", LINEAR, hub_qkv, hf_qkv),
        layer("attn/proj", LINEAR, "attention.output.dense", "attention.o_proj"),
        layer("norm2", NORM, "layernorm_after", "layernorm_after"),
        layer("mlp/fc1", LINEAR, "intermediate.dense", "mlp.fc1"),
        layer("mlp/fc2", LINEAR, "output.dense", "mlp.fc2"),
    )


_DECODER_LAYERS = "decoder.decoder_layers.{i}"
_PATCH_EMBED = "vit.embeddings.patch_embeddings.projection"

ENCODER = (
    _outside("encoder/cls_token", TOKEN, "cls_token", "vit.embeddings.cls_token"),
    _outside("encoder/patch_embed", PATCHES, "patch_embed.proj", _PATCH_EMBED),
    *_block("encoder/blocks", "blocks.{i}", "vit.encoder.layer.{i}", "vit.layers.{i}"),
    _outside("encoder/norm", NORM, "norm", "vit.layernorm"),
)
DECODER = (
    _outside("decoder/embed", LINEAR, "decoder_embed", "decoder.decoder_embed"),
    _outside("decoder/mask_token", TOKEN, "mask_token", "decoder.mask_token"),
    *_block("decoder/blocks", "decoder_blocks.{i}", _DECODER_LAYERS, _DECODER_LAYERS),
    _outside("decoder/norm", NORM, "decoder_norm", "decoder.decoder_norm"),
    _outside("decoder/pred", LINEAR, "decoder_pred", "decoder.decoder_pred"),
)


@dataclasses.dataclass(frozen=True)
class NameRule:
    """One array of ours and the names that it comes from."""

    ours: str
    theirs: tuple[str, ...]  # several are concatenated along their first axis
    transposition: Transposition


@dataclasses.dataclass(frozen=True)
class Codebase:
    """The names of one codebase.

    Attributes:
        title: for messages.
        positions: our stack, and their table of its fixed positions; ours is not a weight.
    """

    title: str
    rules: tuple[NameRule, ...]
    positions: dict[str, str]


def _rules(layers: tuple[tuple[Layer, tuple[str, ...]], ...]) -> tuple[NameRule, ...]:
    return tuple(
        NameRule(
            layer.ours + leaf.ours, tuple(name + leaf.theirs for name in names), leaf.transposition
        )
        for layer, names in layers
        for leaf in layer.kind
    )


TIMM = Codebase(
    "timm's ViT",
    _rules(tuple((layer, layer.facebook) for layer in ENCODER)),
    {"encoder": "pos_embed"},
)
FACEBOOK = Codebase(
    "Facebook's MAE",
    _rules(tuple((layer, layer.facebook) for layer in ENCODER + DECODER)),
    {"encoder": "pos_embed", "decoder": "decoder_pos_embed"},
)
_HF_POSITIONS = {
    "encoder": "vit.embeddings.position_embeddings",
    "decoder": "decoder.decoder_pos_embed",
}
HUB = Codebase(
    "HF ViTMAE's checkpoints",
    _rules(tuple((layer, layer.hub) for layer in ENCODER + DECODER)),
    _HF_POSITIONS,
)
HF = Codebase(
    "HF ViTMAE of transformers 5",
    _rules(tuple((layer, layer.hf) for layer in ENCODER + DECODER)),
    _HF_POSITIONS,
)
