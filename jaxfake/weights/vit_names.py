"""The table of the names that other codebases give to the weights of `models.finetuned.foundation_vit`."""

import dataclasses
from collections.abc import Iterator
from dataclasses import replace

from jaxfake.weights.names import LINEAR, NORM, PATCHES, TOKEN, Codebase, Kind, Leaf, NameRule

_FACTORS: Kind = (Leaf("/gamma", "", "same"),)
_IN_PROJ: Kind = (Leaf("/kernel", "_weight", "linear"), Leaf("/bias", "_bias", "same"))
"""The first layer of `torch.nn.MultiheadAttention`, which is no layer of its own there."""


@dataclasses.dataclass(frozen=True)
class ViTNames:
    """The names of one codebase, and what else its files have in common.

    Where there are three names with spaces between, our layer is theirs stacked in this order. '' is for
    what the codebase does not have.

    Attributes:
        block: what the names of a block begin with; '{i}' is its index.
        mark: a further name by which the codebase is recognised.
        absent_bias: a bias that all or some of its networks do not have, and ours has.
        smooth: whether it smooths its table of positions where that shrinks, see `positions.resized`.
        rotary: whether positions are rotary, so that there is no table.
    """

    title: str
    block: str
    cls_token: str
    patch_embed: str
    norm: str
    norm1: str
    qkv: str
    proj: str
    norm2: str
    fc1: str
    fc2: str
    ls1: str = ""
    ls2: str = ""
    pos_embed: str = ""
    reg_token: str = ""
    norm_pre: str = ""
    qkv_kind: Kind = LINEAR
    mark: str = ""
    absent_bias: str = ""
    smooth: bool = False
    rotary: bool = False

    @property
    def codebase(self) -> Codebase:
        """The same as rules for `convert.to_params`."""
        return Codebase(self.title, tuple(self._rules()), {})

    @property
    def marks(self) -> tuple[str, ...]:
        """How names begin, all of which a file of this codebase has."""
        names = self.norm1, self.qkv.split()[0], self.fc1
        return (*(self.block.format(i=0) + name for name in names), self.mark)

    def _rules(self) -> Iterator[NameRule]:
        outside = (
            *((name, TOKEN) for name in ("cls_token", "reg_token", "pos_embed")),
            *(("patch_embed", PATCHES), ("norm_pre", NORM), ("norm", NORM)),
        )
        for name, kind in outside:
            yield from _layer(name, getattr(self, name), kind)
        inside = (
            *(
                ("norm1", NORM),
                ("attn/qkv", self.qkv_kind),
                ("attn/proj", LINEAR),
                ("ls1", _FACTORS),
            ),
            *(("norm2", NORM), ("mlp/fc1", LINEAR), ("mlp/fc2", LINEAR), ("ls2", _FACTORS)),
        )
        for path, kind in inside:
            theirs = getattr(self, path.rpartition("/")[2]).split()
            names = " ".join(self.block + name for name in theirs)
            yield from _layer(f"blocks/{path}", names, kind)


def _layer(ours: str, theirs: str, kind: Kind) -> Iterator[NameRule]:
    """The rules of a layer; none if the codebase does not have it."""
    for leaf in kind if theirs else ():
        names = tuple(name + leaf.theirs for name in theirs.split())
        yield NameRule(ours + leaf.ours, names, leaf.transposition)


_TIMM = ViTNames(
    title="timm's ViT",
    block="blocks.{i}.",
    cls_token="cls_token",
    patch_embed="patch_embed.proj",
    norm="norm",
    norm1="norm1",
    qkv="attn.qkv",
    proj="attn.proj",
    norm2="norm2",
    fc1="mlp.fc1",
    fc2="mlp.fc2",
    ls1="ls1.gamma",
    ls2="ls2.gamma",
    pos_embed="pos_embed",
    reg_token="reg_token",
    norm_pre="norm_pre",
    absent_bias="patch_embed.proj.bias",
    smooth=True,
)
_FACEBOOK_REGISTERS = replace(
    _TIMM,
    title="Facebook's DINOv2 with registers",
    reg_token="register_tokens",
    mark="register_tokens",
)
_FACEBOOK = replace(_TIMM, title="Facebook's DINOv2", mark="mask_token", smooth=False)
_DINOV2 = ViTNames(
    title="Hugging Face's DINOv2",
    block="encoder.layer.{i}.",
    cls_token="embeddings.cls_token",
    patch_embed="embeddings.patch_embeddings.projection",
    norm="layernorm",
    norm1="norm1",
    qkv="attention.attention.query attention.attention.key attention.attention.value",
    proj="attention.output.dense",
    norm2="norm2",
    fc1="mlp.fc1",
    fc2="mlp.fc2",
    ls1="layer_scale1.lambda1",
    ls2="layer_scale2.lambda1",
    pos_embed="embeddings.position_embeddings",
    reg_token="embeddings.register_tokens",
)
_DINOV2_REGISTERS = replace(
    _DINOV2,
    title="Hugging Face's DINOv2 with registers",
    mark="embeddings.register_tokens",
    smooth=True,
)
_VIT = replace(
    _DINOV2,
    title="Hugging Face's ViT",
    norm1="layernorm_before",
    norm2="layernorm_after",
    fc1="intermediate.dense",
    fc2="output.dense",
    ls1="",
    ls2="",
)
_DINOV3 = replace(
    _DINOV2,
    title="Hugging Face's DINOv3",
    block="layer.{i}.",
    patch_embed="embeddings.patch_embeddings",
    norm="norm",
    qkv="attention.q_proj attention.k_proj attention.v_proj",
    proj="attention.o_proj",
    fc1="mlp.up_proj",
    fc2="mlp.down_proj",
    pos_embed="",
    absent_bias="layer.{i}.attention.k_proj.bias",
    rotary=True,
)
_CLIP = ViTNames(
    title="Hugging Face's CLIP",
    block="encoder.layers.{i}.",
    cls_token="embeddings.class_embedding",
    patch_embed="embeddings.patch_embedding",
    norm="post_layernorm",
    norm1="layer_norm1",
    qkv="self_attn.q_proj self_attn.k_proj self_attn.v_proj",
    proj="self_attn.out_proj",
    norm2="layer_norm2",
    fc1="mlp.fc1",
    fc2="mlp.fc2",
    pos_embed="embeddings.position_embedding.weight",
    norm_pre="pre_layrnorm",
    absent_bias="embeddings.patch_embedding.bias",
)
_OPENAI = ViTNames(
    title="OpenAI's CLIP",
    block="visual.transformer.resblocks.{i}.",
    cls_token="visual.class_embedding",
    patch_embed="visual.conv1",
    norm="visual.ln_post",
    norm1="ln_1",
    qkv="attn.in_proj",
    proj="attn.out_proj",
    norm2="ln_2",
    fc1="mlp.c_fc",
    fc2="mlp.c_proj",
    ls1="ls_1.gamma",
    ls2="ls_2.gamma",
    pos_embed="visual.positional_embedding",
    norm_pre="visual.ln_pre",
    absent_bias="visual.conv1.bias",
    qkv_kind=_IN_PROJ,
)

CODEBASES = (
    *(_FACEBOOK_REGISTERS, _FACEBOOK, _TIMM),
    *(_DINOV2_REGISTERS, _DINOV2, _VIT, _DINOV3, _CLIP, _OPENAI),
)
"""The first of which a file has all marks counts."""

UNUSED = (
    *("head.*", "head_drop.*", "fc_norm.*", "classifier.*", "pooler.*", "*mask_token"),
    *("text_model.*", "visual_projection.*", "text_projection*", "logit_scale", "logit_bias"),
    *("transformer.*", "token_embedding.*", "positional_embedding", "ln_final.*", "visual.proj"),
    "*position_ids",
)
"""Names that may be left over: heads, and the text half of CLIP."""

WRAPPERS = ("dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "vision_model")
"""Names of the network inside of Hugging Face's classifiers and in CLIP, beside those in `wrappers`."""

UNSUPPORTED = {
    r"(.*\.)?(storage_tokens|rope_embed\..*|blocks\.0\.gamma_1)": "a network of timm's or Meta's like "
    "DINOv3, of which Hugging Face's names are read; this one",
    r"(.*\.)?mlp\.(weights_in|w12|w1|w3|gate_proj|fc1_g)\..*": "a gated MLP (SwiGLU)",
    r"(.*\.)?(attn_pool\..*|head\.attention\.in_proj_weight)": "pooling by attention, as in SigLIP",
    r"(.*\.)?(q_norm|k_norm)\..*": "normalised queries and keys",
    r"(.*\.)?(relative_position_bias_table|rel_pos_bias.*)": "relative positions",
}
"""What tells a network that this one is not, by patterns of names."""
