"""Loads the weights of a foundation model's ViT, with its positions for another number of patches."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from jaxfake.models.finetuned.foundation_vit import ViTSettings
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.weights import vit_names
from jaxfake.weights.convert import to_params
from jaxfake.weights.positions import resized
from jaxfake.weights.tensors import read_tensors
from jaxfake.weights.vit_names import ViTNames
from jaxfake.weights.wrappers import without_wrapper

_Weights = dict[str, np.ndarray]


def load_foundation(path: Path, settings: ViTSettings, grid: int, like: Params) -> Params:
    """The weights of `FoundationViT`, which still expects the pixels that they were trained on.

    Args:
        path: a .safetensors file or a folder of Hugging Face's libraries, see `read_tensors`; of DINOv2,
            DINOv3, CLIP or a plain ViT, with the names of `vit_names.CODEBASES`.
        settings: of the network.
        grid: patches a side that it is to see.
        like: its parameters as arrays or `jax.ShapeDtypeStruct`s.

    Raises:
        InputError: a file cannot be read, has unknown names or another network; the message names `path`.
    """
    tokens = sorted({names.cls_token for names in vit_names.CODEBASES})
    read = read_tensors(path)
    _refuse_unsupported(read, path)
    unwrapped = without_wrapper(read, tokens, path, vit_names.WRAPPERS)
    if unwrapped.wrapper:
        say(f"{path}: the weights are those whose names begin with {unwrapped.wrapper!r}")
    names = _names_of(unwrapped.weights, path)
    if names.rotary != (settings.positions == "rotary"):
        raise InputError(
            f"{path} has the names of {names.title}, whose positions are "
            f"{'rotary' if names.rotary else 'learned'}, not {settings.positions}: set "
            "finetuned.vit.positions"
        )
    try:
        weights = _with_biases(unwrapped.weights, names, settings)
        weights = _with_positions(weights, names, settings, grid)
        return to_params(weights, names.codebase, like, vit_names.UNUSED)
    except InputError as error:
        raise InputError(f"{path}: {error}; finetuned.vit says what is expected") from error


def _refuse_unsupported(weights: Mapping[str, np.ndarray], path: Path) -> None:
    for pattern, what in vit_names.UNSUPPORTED.items():
        for name in weights:
            if re.fullmatch(pattern, name):
                raise InputError(f"{path} holds {name}: {what} is not supported")


def _names_of(weights: Mapping[str, np.ndarray], path: Path) -> ViTNames:
    for names in vit_names.CODEBASES:
        if all(any(name.startswith(mark) for name in weights) for mark in names.marks):
            return names
    known = ", ".join(names.title for names in vit_names.CODEBASES)
    raise InputError(f"{path} has none of the names of {known}")


def _with_biases(weights: _Weights, names: ViTNames, settings: ViTSettings) -> _Weights:
    """With zeros for the biases that networks of this codebase lack, unless one of them is there."""
    biases = {names.absent_bias.format(i=i) for i in range(settings.size.depth)} - {""}
    if biases & weights.keys():
        return weights
    return weights | {name: np.zeros(settings.size.width, np.float32) for name in biases}


def _with_positions(
    weights: _Weights, names: ViTNames, settings: ViTSettings, grid: int
) -> _Weights:
    """With tokens [1, R, D] and the table of `grid` * `grid` positions, [1, N, D].

    Where the class token and registers have places in the table too, these are added to them.
    """
    wanted = [names.cls_token, *([names.reg_token] if settings.registers else [])]
    tokens = {name: _tokens(weights, name) for name in wanted if name in weights}
    if names.rotary or names.pos_embed not in weights:  # what is missing is named later
        return weights | tokens
    table = _tokens(weights, names.pos_embed)
    count = _places_before(names.pos_embed, table.shape[1], settings.registers)
    before, patches = table[:, :count], table[0, count:]
    for name, places in zip(tokens, (before[:, :1], before[:, 1:]), strict=False):
        if places.size:
            tokens[name] = _sum(tokens[name], places, name)
    with np.errstate(invalid="ignore"):  # what is not finite is named later
        return weights | tokens | {names.pos_embed: resized(patches, grid, names.smooth)[None]}


def _tokens(weights: _Weights, name: str) -> np.ndarray:
    """The array as float64 [1, tokens, D]; some codebases store it with fewer axes."""
    array = weights[name]
    if not array.size or not array.ndim or not jnp.issubdtype(array.dtype, jnp.floating):
        raise InputError(f"{name} is {array.dtype} {list(array.shape)}, not tokens")
    return array.reshape(1, -1, array.shape[-1]).astype(np.float64)


def _sum(tokens: np.ndarray, places: np.ndarray, name: str) -> np.ndarray:
    if tokens.shape != places.shape:
        raise InputError(f"{name} is {list(tokens.shape)}, and its positions {list(places.shape)}")
    return tokens + places


def _places_before(name: str, count: int, registers: int) -> int:
    """How many places of a table are not of patches: none, the class token's, or the registers' too."""
    possible = {
        before for before in (0, 1, 1 + registers) if count > before and _is_square(count - before)
    }
    if len(possible) != 1:
        raise InputError(f"{name} has {count} places, which are not those of a square of patches")
    return possible.pop()


def _is_square(count: int) -> bool:
    return math.isqrt(count) ** 2 == count
