"""Loads weights of other codebases from a .safetensors file: named arrays, no pickle."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import to_params
from jaxfake.weights.names import Codebase

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
    """Our parameters from their file: those of the autoencoder, or of its encoder alone.

    Args:
        path: a .safetensors file with the names of timm, Facebook's MAE or HF's ViTMAE. They should
            have been trained on pixels in -1..1, as ours are.
        like: {'encoder': ..., 'decoder': ...} as arrays or `jax.ShapeDtypeStruct`s.

    Returns:
        The tree of `like`, without 'decoder' if the file has none.

    Raises:
        InputError: the file cannot be read, has unknown names, or does not fit.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a readable .safetensors file: {error}") from error
    codebase = _codebase_of(weights, path)
    stacks = {stack: like[stack] for stack in codebase.positions}
    return to_params(weights, codebase, stacks, _HEADS)


def _codebase_of(weights: dict[str, np.ndarray], path: Path) -> Codebase:
    for start, codebase in _BY_NAME:
        if any(name.startswith(start) for name in weights):
            return codebase
    known = ", ".join(codebase.title for _, codebase in _BY_NAME)
    raise InputError(f"{path} has none of the names of {known}")
