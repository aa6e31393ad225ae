"""Prefixes that training code puts before the names of a model's weights when it wraps the model."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxfake.runtime.errors import InputError

WRAPPERS = (
    "module",  # torch's DataParallel and DistributedDataParallel, and moving averages of timm
    "_orig_mod",  # torch.compile
    "model",
    "state_dict",
    "backbone",
    "encoder",
    "ema",
    "model_ema",
    "ema_model",
)
"""What such prefixes are made of, one or several, each followed by a dot."""


class Unwrapped(NamedTuple):
    """Weights under the names that they have without a wrapper."""

    weights: dict[str, np.ndarray]
    wrapper: str  # the prefix that was taken away; '' for none


def without_wrapper(
    weights: Mapping[str, np.ndarray],
    marks: Sequence[str],
    path: Path,
    further: Sequence[str] = (),
) -> Unwrapped:
    """The weights without the wrapper, if all of the model's weights have the same one.

    Args:
        weights: arrays by name.
        marks: how names begin by which a codebase is recognised.
        path: where they are from, for messages.
        further: names that may be in a prefix, beside `WRAPPERS`.

    Raises:
        InputError: there are several models, such as the weights and their moving average.
    """
    prefixes = re.compile(rf"(?:(?:{'|'.join((*WRAPPERS, *further))})\.)*")
    wrappers = {_wrapper(name, marks, prefixes) for name in weights}
    found = sorted(wrapper for wrapper in wrappers if wrapper is not None)
    if len(found) > 1:
        sets = " and ".join(
            f"{prefix}*" if prefix else "names without a prefix" for prefix in found
        )
        raise InputError(f"{path} holds several sets of weights, {sets}: keep one of them")
    wrapper = found[0] if found else ""
    bare = {name.removeprefix(wrapper): array for name, array in weights.items()}
    if len(bare) < len(weights):
        twice = next(name for name in weights if wrapper + name in weights)
        raise InputError(
            f"{path} holds both {twice} and {wrapper}{twice}: keep one of the two sets of weights"
        )
    return Unwrapped(bare, wrapper)


def _wrapper(name: str, marks: Sequence[str], prefixes: re.Pattern[str]) -> str | None:
    """The prefix before a mark; None if the name has no mark behind such a prefix."""
    # An encoder is a wrapper only where the rest is a model: 'encoder.layer.0.' is a name of its own.
    match = prefixes.match(name)
    prefix = match.group() if match else ""
    return prefix if name[len(prefix) :].startswith(tuple(marks)) else None
