"""Weights of other codebases from a .safetensors file: plain arrays with names, no pickle."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import to_params
from jaxfake.weights.names import Names

Params = Any

_BY_NAME = (
    ("vit.encoder.layer.0.", names.HUB),
    ("vit.layers.0.", names.HF),
    ("decoder_blocks.0.", names.FACEBOOK),
    ("blocks.0.", names.TIMM),
)
"""The beginning of a name that only this codebase has, or that those before have ruled out."""

_HEADS = ("head.*", "fc_norm.*", "norm_pre.*")
"""Of classifiers, which have no place in an autoencoder."""


def load_autoencoder(path: Path, like: Params) -> Params:
    """Our parameters from a file of theirs: those of the autoencoder, or of its encoder alone.

    Args:
        path: a .safetensors file with the names of timm, Facebook's MAE or HF's ViTMAE. Pixels must be
            scaled as it was trained with; ours are in -1..1.
        like: {'encoder': ..., 'decoder': ...} as arrays or `jax.ShapeDtypeStruct`s.

    Returns:
        The tree of `like`, without 'decoder' if the file has none.

    Raises:
        InputError: it cannot be read, has unknown names, or does not fit.
    """
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is no readable .safetensors file: {error}") from error
    table = _names_of(weights, path)
    stacks = {stack: like[stack] for stack in table.positions}
    return to_params(weights, table, stacks, _HEADS)


def _names_of(weights: dict[str, np.ndarray], path: Path) -> Names:
    for start, table in _BY_NAME:
        if any(name.startswith(start) for name in weights):
            return table
    known = ", ".join(table.title for _, table in _BY_NAME)
    raise InputError(f"{path} has none of the names of {known}")
