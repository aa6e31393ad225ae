"""What of an imported network may move in stage 2: everything, its LayerNorms, or a change of low rank.

This is decided here once, when the parameters are made: what may move is called 'finetuned', and the rest
'imported', which the rules of `jaxfake.train.param_rules` never train. The rest has no gradient and no
state of the optimizer.
"""

import re
from typing import Any, Literal

import jax
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxfake.models.method import Params

Tuning = Literal["full", "layernorm_only", "lora"]

FINETUNED, IMPORTED = "finetuned", "imported"

_LAYER_NORM = re.compile(r"(.*/)?norm(1|2|_pre)?/(scale|bias)")
_ADAPTED = re.compile(r".*/attn/(qkv|proj)/kernel")
"""The kernels that LoRA changes: those of attention, as its authors do. All of them is our choice."""

_Flat = dict[str, Any]


def divide(weights: Params, tuning: Tuning, rank: int, key: jax.Array) -> Params:
    """The parameters of a detector for a network with these weights.

    Args:
        weights: of the whole network.
        tuning: what may move.
        rank: of LoRA.
        key: of LoRA's random matrices.

    Returns:
        {'finetuned': what may move}, with 'imported' beside it for what may not.
    """
    flat = flatten_dict(weights, sep="/")
    match tuning:
        case "full":
            return {FINETUNED: weights}
        case "layernorm_only":
            moving = {name: leaf for name, leaf in flat.items() if _LAYER_NORM.fullmatch(name)}
            still = {name: leaf for name, leaf in flat.items() if name not in moving}
        case "lora":
            moving, still = _fresh_lora(flat, rank, key), flat
    return {FINETUNED: unflatten_dict(moving, sep="/"), IMPORTED: unflatten_dict(still, sep="/")}


def join(params: Params) -> Params:
    """The weights of the whole network, from the parameters of a detector that `divide` made."""
    still = flatten_dict(jax.lax.stop_gradient(params.get(IMPORTED, {})), sep="/")
    moving = flatten_dict(params[FINETUNED], sep="/")
    return unflatten_dict(_with_lora(still | moving), sep="/")


def _fresh_lora(flat: _Flat, rank: int, key: jax.Array) -> _Flat:
    """Two factors for each adapted kernel, whose product is zero at first."""
    factors = {}
    for i, name in enumerate(name for name in flat if _ADAPTED.fullmatch(name)):
        depth, rows, columns = flat[name].shape
        begin = jax.random.normal(jax.random.fold_in(key, i), (depth, rows, rank))
        factors[_factor(name, "a")] = begin * rows**-0.5
        factors[_factor(name, "b")] = jax.numpy.zeros((depth, rank, columns))
    return factors


def _with_lora(flat: _Flat) -> _Flat:
    """The kernels with the products of their factors added (LoRA; Hu et al., 2021), without the factors.

    The sum is made once an update and not once a face, so that the network itself knows nothing of it.
    """
    whole = {name: leaf for name, leaf in flat.items() if "/lora_" not in name}
    for name in whole:
        if _factor(name, "a") in flat:
            whole[name] = whole[name] + flat[_factor(name, "a")] @ flat[_factor(name, "b")]
    return whole


def _factor(kernel: str, which: Literal["a", "b"]) -> str:
    return f"{kernel.removesuffix('/kernel')}/lora_{which}"
