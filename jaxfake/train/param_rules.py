"""One matcher for everything that is decided by a parameter's name.

Sharding, weight decay, learning rates and freezing are lists of (regular expression, value). The first
expression that matches the whole path decides. A parameter that none matches is an error, so a new
parameter cannot slip through unnoticed.

The first name of a path says what a network is for, the same in all methods: 'encoder' and 'decoder' are
stage 1's autoencoder; 'finetuned' is an encoder that became a classifier, or what may move of an imported
network; 'imported' is the rest of that network; 'mapping' is an autoencoder that maps faces;
'decoding' is a decoder trained on; 'frozen' never changes; 'margin' holds running medians; 'head' and
'localising' are new in stage 2.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from jaxfake.runtime.tree_paths import path_name

type Rules[Value] = Sequence[tuple[str, Value]]


class Rate(NamedTuple):
    """How fast a parameter learns, beside the schedule. A factor of 0 freezes it."""

    factor: float
    layered: bool = False  # the earlier the block, the slower, by `Stage.layer_decay`


RATES: Rules[Rate] = (
    (r"(frozen|imported)/.*", Rate(0.0)),
    (r"(finetuned|mapping/encoder)/.*", Rate(1.0, layered=True)),
    (r"decoding/.*", Rate(0.1)),
    (r"margin/.*", Rate(10.0)),
    (r"(encoder|decoder|mapping/decoder|head|localising)/.*", Rate(1.0)),
)
"""Layer-wise rates are those of finetuned ViTs (He et al., 2022); all else is our choice."""

DECAY: Rules[bool] = (
    (r"margin/.*", False),
    (r".*/(bias|scale)", False),
    (r".*(cls_token|mask_token|reg_token|pos_embed)", False),
    (r".*/ls[12]/gamma", False),
    (r".*/(kernel|lora_a|lora_b)", True),
)
"""Weight decay of the MAE (He et al., 2022): none on bias, norm and tokens; positions and layer scale of
imported networks are like tokens."""


def match[Value](rules: Rules[Value], tree: Any) -> Any:
    """A tree of the same structure that holds each parameter's value.

    Raises:
        ValueError: parameters have no rule; all of them are listed.
    """
    unmatched: list[str] = []

    def value(path: tuple[Any, ...], _: Any) -> Any:
        name = path_name(path)
        for pattern, chosen in rules:
            if re.fullmatch(pattern, name):
                return chosen
        unmatched.append(name)
        return None

    matched = jax.tree_util.tree_map_with_path(value, tree)
    if unmatched:
        raise ValueError(f"no rule for the parameters {', '.join(unmatched)}")
    return matched
