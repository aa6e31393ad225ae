"""Loads weights of other codebases from .safetensors files: named arrays, no pickle."""

from pathlib import Path
from typing import Any

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.weights import names
from jaxfake.weights.convert import to_params
from jaxfake.weights.names import Codebase
from jaxfake.weights.tensors import read_tensors
from jaxfake.weights.wrappers import without_wrapper

Params = Any

_BY_NAME = (
    ("vit.encoder.layer.0.", names.HUB),
    ("vit.layers.0.", names.HF),
    ("decoder_blocks.0.", names.FACEBOOK),
    ("blocks.0.", names.TIMM),
)
"""The start of a name by which a codebase is recognised; the first match counts."""

_HEADS = ("head.*", "fc_norm.*", "norm_pre.*")
"""Weights of classifiers, which an autoencoder does not have."""


def load_autoencoder(path: Path, like: Params) -> Params:
    """Our parameters from their weights: those of the autoencoder, or of its encoder alone.

    Args:
        path: a .safetensors file or a folder of Hugging Face's libraries, see `read_tensors`; with the
            names of timm, Facebook's MAE or HF's ViTMAE, in float32, float64, float16 or bfloat16.
        like: {'encoder': ..., 'decoder': ...} as arrays or `jax.ShapeDtypeStruct`s.

    Returns:
        The tree of `like`, without 'decoder' if the weights have none.

    Raises:
        InputError: a file cannot be read, has unknown names, or does not fit; the message names `path`.
    """
    unwrapped = without_wrapper(read_tensors(path), [start for start, _ in _BY_NAME], path)
    if unwrapped.wrapper:
        say(f"{path}: the weights are those whose names begin with {unwrapped.wrapper!r}")
    codebase = _codebase_of(unwrapped.weights, path)
    stacks = {stack: like[stack] for stack in codebase.positions}
    try:
        return to_params(unwrapped.weights, codebase, stacks, _HEADS)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _codebase_of(weights: dict[str, Any], path: Path) -> Codebase:
    for start, codebase in _BY_NAME:
        if any(name.startswith(start) for name in weights):
            return codebase
    known = ", ".join(codebase.title for _, codebase in _BY_NAME)
    raise InputError(
        f"{path} has none of the names of {known}; other ViTs can be finetuned.weights of stage 2"
    )
