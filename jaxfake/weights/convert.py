"""Weights of other codebases to our parameters and back, by the table in `names`.

Weights are loaded completely or not at all: each of their arrays has one place, each of ours is filled, all
shapes are checked, and one message lists all mismatches.
"""

import dataclasses
import fnmatch
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import numpy as jnp

from jaxfake.models.vit import sincos_positions
from jaxfake.runtime.errors import InputError
from jaxfake.weights.names import Codebase, NameRule, Transposition

Params = Any
Shape = tuple[int, ...]

_CHANNELS = 3
_POSITION_TOLERANCE = 1e-3
"""Of tables in float32 or float16; learned positions differ by much more. Our choice."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Their arrays for one of ours, or for one block of it."""

    names: tuple[str, ...]
    shape: Shape  # of each of their arrays


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """A weight that does not fit, and why."""

    name: str
    why: str


def to_params(
    weights: Mapping[str, np.ndarray], names: Codebase, like: Params, unused: Iterable[str] = ()
) -> Params:
    """Our parameters from their weights.

    Args:
        weights: their arrays by name. If they contain tables of fixed positions, these must be equal to
            ours.
        names: of their codebase.
        like: our parameters as arrays or `jax.ShapeDtypeStruct`s: all of the autoencoder's, or
            {'encoder': ...} alone.
        unused: shell patterns of their names that may be left over, such as 'head.*'.

    Returns:
        The tree of `like` as NumPy arrays, in its dtypes.

    Raises:
        InputError: a weight is missing, left over, of another shape or not finite; one line lists
            them all.
    """
    wanted = flatten_dict(like, sep="/")
    rules = [rule for rule in names.rules if rule.ours in wanted]
    sources = {rule: _sources(rule, wanted[rule.ours].shape) for rule in rules}
    tables = {name: stack for stack, name in names.positions.items() if stack in like}
    taken = {name for each in sources.values() for source in each for name in source.names}
    mismatches = [
        *_unfilled(wanted, rules, names),
        *_missing_or_misshapen(weights, sources),
        *_unusable(weights, taken),
        *_other_positions(weights, tables, like),
        *_left_over(weights, taken | set(tables), tuple(unused)),
    ]
    if mismatches:
        raise InputError(
            f"weights with the names of {names.title} do not fit: {_message(mismatches)}"
        )
    filled = {rule.ours: _ours(rule, sources[rule], weights) for rule in rules}
    dtypes = {path: leaf.dtype for path, leaf in wanted.items()}
    return unflatten_dict({path: a.astype(dtypes[path]) for path, a in filled.items()}, sep="/")


def from_params(params: Params, names: Codebase, grid: int) -> dict[str, np.ndarray]:
    """Their weights from our parameters; the inverse of `to_params`.

    Args:
        params: all of the autoencoder's, or {'encoder': ...} alone.
        names: the names to give.
        grid: patches along a side of the image, for the tables of positions that are weights of theirs.

    Raises:
        InputError: the other codebase has no name for a parameter.
    """
    ours = flatten_dict(params, sep="/")
    rules = [rule for rule in names.rules if rule.ours in ours]
    if mismatches := _unfilled(ours, rules, names):
        raise InputError(f"parameters without a name in {names.title}: {_message(mismatches)}")
    weights = {}
    for rule in rules:
        array = np.asarray(ours[rule.ours])
        for i, block in enumerate(array if _is_in_blocks(rule) else array[None]):
            pieces = np.split(_to_theirs(rule.transposition, block), len(rule.theirs))
            for name, piece in zip(rule.theirs, pieces, strict=True):
                weights[name.format(i=i)] = np.ascontiguousarray(piece)
    for stack, name in names.positions.items():
        if stack in params:
            weights[name] = sincos_positions(_width(params, stack), grid)[None]
    return weights


def _is_in_blocks(rule: NameRule) -> bool:
    return "{i}" in rule.theirs[0]


def _width(params: Params, stack: str) -> int:
    return params[stack]["norm"]["scale"].shape[0]


def _sources(rule: NameRule, shape: Shape) -> list[Source]:
    """The sources of our array of this shape: one for each block, or one."""
    depth, shape = (shape[0], shape[1:]) if _is_in_blocks(rule) else (1, shape)
    rows, *rest = _their_shape(rule.transposition, shape)
    each = (rows // len(rule.theirs), *rest)
    return [Source(tuple(name.format(i=i) for name in rule.theirs), each) for i in range(depth)]


def _ours(rule: NameRule, sources: list[Source], weights: Mapping[str, np.ndarray]) -> np.ndarray:
    blocks = [
        _to_ours(rule.transposition, np.concatenate([weights[name] for name in source.names]))
        for source in sources
    ]
    return np.stack(blocks) if _is_in_blocks(rule) else blocks[0]


def _to_ours(transposition: Transposition, theirs: np.ndarray) -> np.ndarray:
    match transposition:
        case "same":
            return theirs
        case "linear":
            return theirs.T
        case "patches":
            return theirs.transpose(2, 3, 1, 0).reshape(-1, theirs.shape[0])


def _to_theirs(transposition: Transposition, ours: np.ndarray) -> np.ndarray:
    match transposition:
        case "same":
            return ours
        case "linear":
            return ours.T
        case "patches":
            patch = math.isqrt(ours.shape[0] // _CHANNELS)
            return ours.reshape(patch, patch, _CHANNELS, -1).transpose(3, 2, 0, 1)


def _their_shape(transposition: Transposition, ours: Shape) -> Shape:
    return _to_theirs(transposition, np.broadcast_to(np.zeros((), np.int8), ours)).shape


def _unfilled(ours: Iterable[str], rules: list[NameRule], names: Codebase) -> list[Mismatch]:
    known = {rule.ours for rule in rules}
    return [Mismatch(path, f"has no name in {names.title}") for path in ours if path not in known]


def _missing_or_misshapen(
    weights: Mapping[str, np.ndarray], sources: Mapping[NameRule, list[Source]]
) -> Iterator[Mismatch]:
    for source in (source for each in sources.values() for source in each):
        for name in source.names:
            if name not in weights:
                yield Mismatch(name, "is missing")
            elif weights[name].shape != source.shape:
                yield Mismatch(name, f"is {list(weights[name].shape)}, not {list(source.shape)}")


def _unusable(weights: Mapping[str, np.ndarray], taken: set[str]) -> Iterator[Mismatch]:
    for name in sorted(taken & weights.keys()):
        array = weights[name]
        if not jnp.issubdtype(array.dtype, jnp.floating):
            yield Mismatch(name, f"holds {array.dtype}, not floating-point numbers")
            continue
        with np.errstate(
            over="ignore"
        ):  # what float32 cannot hold becomes infinite, and is refused
            finite = np.isfinite(array.astype(np.float32)).all()
        if not finite:
            yield Mismatch(name, "is not finite")


def _other_positions(
    weights: Mapping[str, np.ndarray], tables: Mapping[str, str], like: Params
) -> Iterator[Mismatch]:
    """Their tables of positions that differ from the fixed ones of our stack."""
    for name, stack in tables.items():
        if name not in weights:
            continue
        table, width = weights[name], _width(like, stack)
        grid = math.isqrt(max(table.size // width - 1, 0))
        if table.shape != (1, 1 + grid * grid, width):
            yield Mismatch(name, f"is {list(table.shape)}, not [1, 1 + grid * grid, {width}]")
        elif not _is_close(table[0], sincos_positions(width, grid)):
            yield Mismatch(
                name, "is not the fixed sine-cosine table (finetuned.weights takes learned ones)"
            )


def _is_close(table: np.ndarray, fixed: np.ndarray) -> bool:
    """Whether a table differs from the fixed one, whose values lie in -1..1, by its rounding alone."""
    theirs = table.astype(np.float32)
    is_bfloat16 = np.array_equal(theirs, theirs.astype(ml_dtypes.bfloat16).astype(np.float32))
    rounding = float(ml_dtypes.finfo(ml_dtypes.bfloat16).eps) / 2 if is_bfloat16 else 0.0
    return np.allclose(theirs, fixed, 0, max(_POSITION_TOLERANCE, rounding))


def _left_over(weights: Iterable[str], taken: set[str], unused: tuple[str, ...]) -> list[Mismatch]:
    return [
        Mismatch(name, "has no place in the model")
        for name in weights
        if name not in taken and not any(fnmatch.fnmatchcase(name, pattern) for pattern in unused)
    ]


def _message(mismatches: Iterable[Mismatch]) -> str:
    """All mismatches in one line; the same mismatch of several blocks is listed once."""
    groups = defaultdict(list)
    for mismatch in mismatches:
        groups[re.sub(r"\.\d+\.", ".{i}.", mismatch.name), mismatch.why].append(mismatch.name)
    return "; ".join(
        f"{names[0]} {why}" if len(names) == 1 else f"{name} {why} ({len(names)} times)"
        for (name, why), names in groups.items()
    )
