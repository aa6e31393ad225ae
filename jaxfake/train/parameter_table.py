"""A table of what the rules decided for each parameter, shown before training."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np
from clu import parameter_overview
from jax.sharding import NamedSharding

from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import optim, param_rules


@dataclasses.dataclass(frozen=True)
class Row:
    """One parameter."""

    name: str
    shape: str
    size: str
    rate: str  # what the learning rate is multiplied by; a range where it differs by block
    decay: str
    split: str  # over the fsdp axis


def describe(params: Any, layer_decay: float) -> str:
    """The table, and how many parameters are trained.

    Args:
        params: abstract, with shardings.
        layer_decay: see `config.Stage`.
    """
    factors = optim.rate_factors(params, layer_decay)
    leaves = jax.tree_util.tree_leaves_with_path(params)
    trees = (factors, param_rules.match(param_rules.DECAY, params))
    others = zip(*map(jax.tree.leaves, trees), strict=True)
    rows, trained, frozen = [], 0, 0
    for (path, leaf), (factor, decay) in zip(leaves, others, strict=True):
        size, moves = math.prod(leaf.shape), bool(np.any(factor))
        trained, frozen = trained + size * moves, frozen + size * (not moves)
        rows.append(
            Row(
                path_name(path),
                str(tuple(leaf.shape)),
                f"{size:,}",
                _rate(factor) if moves else "frozen",
                "yes" if decay and moves else "",
                _split(leaf.sharding),
            )
        )
    return f"{parameter_overview.make_table(rows)}\n{trained:,} trained, {frozen:,} frozen"


def _rate(factor: np.ndarray) -> str:
    low, high = float(factor.min()), float(factor.max())
    return f"{high:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _split(sharding: NamedSharding) -> str:
    return "" if sharding.is_fully_replicated else str(tuple(sharding.spec))
