"""Settings of an imported network, as `Config.finetuned` has them."""

import dataclasses
from typing import Literal

from jaxfake.models.finetuned.foundation_vit import ViTSettings
from jaxfake.models.finetuned.tuning import Tuning
from jaxfake.runtime.errors import InputError

_MOST_PATCHES = 1 << 14


@dataclasses.dataclass(frozen=True)
class ImportedSettings:
    """Settings of an imported network.

    Attributes:
        weights: a .safetensors file, or a folder of Hugging Face's libraries.
        pixels: what was done to the pixels that they were trained on, as `Config.start_pixels`.
        vit: which network it is.
        side: in pixels, to which faces are resized for it; a multiple of its patches.
        tuning: what of it may move: 'full', 'layernorm_only', or 'lora', a change of low rank of its
            attention.
        lora_rank: of that change.
        blocks: the numbers, from 1, of the blocks whose tokens are read; those after the last of them are
            left out. () for the last block of the network.
        window: share of the side of a crop that the network sees, around the middle of the face.
        head: whether the classifier begins with random numbers, or as a linear probe on the network
            (Kumar et al., 2022).
    """

    weights: str
    pixels: str
    vit: ViTSettings
    side: int
    tuning: Tuning
    lora_rank: int
    blocks: tuple[int, ...] = ()
    window: float = 1.0
    head: Literal["random", "probe"] = "random"


def check_imported_settings(imported: ImportedSettings) -> None:
    """What no type can say.

    Raises:
        InputError: a value cannot work.
    """
    vit, size, side = imported.vit, imported.vit.size, imported.side
    for key, value in (
        ("side", side),
        ("vit.patch", vit.patch),
        ("vit.size.width", size.width),
        ("vit.size.depth", size.depth),
        ("vit.size.heads", size.heads),
        ("lora_rank", imported.lora_rank),
    ):
        if value < 1:
            raise InputError(f"config: finetuned.{key} must be at least 1")
    for broken, message in (
        (side % vit.patch, f"side {side} must be a multiple of vit.patch {vit.patch}"),
        (
            (side // vit.patch) ** 2 > _MOST_PATCHES,
            f"side {side} has more than {_MOST_PATCHES} patches of {vit.patch} pixels",
        ),
        (
            size.width % (4 * size.heads),
            f"vit.size.width {size.width} must be a multiple of 4 times its heads ({size.heads})",
        ),
        (imported.lora_rank > size.width, f"lora_rank must be at most the width, {size.width}"),
        (not 0 < imported.window <= 1, "window must be greater than 0 and at most 1"),
        (vit.registers < 0, "vit.registers must not be negative"),
        (vit.epsilon <= 0, "vit.epsilon must be greater than 0"),
        (
            list(imported.blocks) != sorted(set(imported.blocks) & set(range(1, size.depth + 1))),
            f"blocks must be numbers from 1 to {size.depth}, in order",
        ),
    ):
        if broken:
            raise InputError(f"config: finetuned.{message}")
