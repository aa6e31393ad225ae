"""Weights of other codebases into our parameters and back, by the table in `names`.

Nothing is loaded in part: each array of theirs has one place, each of ours is filled, every shape is
checked, and all that does not fit is said at once.
"""

import fnmatch
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from jaxfake.models.vit import sincos_positions
from jaxfake.runtime.errors import InputError
from jaxfake.weights.names import Names, Rule, Turn

Params = Any
Shape = tuple[int, ...]

_CHANNELS = 3
_POSITION_TOLERANCE = (
    1e-3  # their tables may be in half precision; learned ones are far further off
)


class Source(NamedTuple):
    """Where one of our arrays, or one block's share of it, comes from."""

    names: tuple[str, ...]
    shape: Shape  # of each of their arrays


class Misfit(NamedTuple):
    """One thing that keeps weights from fitting."""

    name: str
    what: str


def to_params(
    weights: Mapping[str, np.ndarray], names: Names, like: Params, unused: Iterable[str] = ()
) -> Params:
    """Our parameters from their weights.

    Args:
        weights: their arrays by name. Tables of fixed positions may be among them, and must then hold
            what we compute.
        names: whose names they are.
        like: our parameters as arrays or `jax.ShapeDtypeStruct`s: all of the autoencoder's, or
            {'encoder': ...} alone.
        unused: their names that may be left over, as shell patterns such as 'head.*'.

    Returns:
        The tree of `like` as NumPy arrays, in its dtypes.

    Raises:
        InputError: something is missing, left over or of another shape; its one line names all of it.
    """
    wanted = flatten_dict(like, sep="/")
    rules = [rule for rule in names.rules if rule.ours in wanted]
    sources = {rule: _sources(rule, wanted[rule.ours].shape) for rule in rules}
    tables = {name: stack for stack, name in names.positions.items() if stack in like}
    taken = {name for each in sources.values() for source in each for name in source.names}
    misfits = [
        *_unfilled(wanted, rules, names),
        *_absent_or_misshapen(weights, sources),
        *_other_positions(weights, tables, like),
        *_left_over(weights, taken | set(tables), tuple(unused)),
    ]
    if misfits:
        raise InputError(f"weights by the names of {names.title} do not fit: {_say(misfits)}")
    filled = {rule.ours: _ours(rule, sources[rule], weights) for rule in rules}
    dtypes = {path: leaf.dtype for path, leaf in wanted.items()}
    return unflatten_dict({path: a.astype(dtypes[path]) for path, a in filled.items()}, sep="/")


def from_params(params: Params, names: Names, grid: int) -> dict[str, np.ndarray]:
    """Their weights from our parameters: the inverse of `to_params`.

    Args:
        params: all of the autoencoder's, or {'encoder': ...} alone.
        names: the names to give.
        grid: patches along a side of the image, for the tables of positions that they keep as weights.

    Raises:
        InputError: the other codebase has no name for a parameter.
    """
    ours = flatten_dict(params, sep="/")
    rules = [rule for rule in names.rules if rule.ours in ours]
    if misfits := _unfilled(ours, rules, names):
        raise InputError(f"parameters without a name there: {_say(misfits)}")
    weights = {}
    for rule in rules:
        array = np.asarray(ours[rule.ours])
        for i, block in enumerate(array if _in_blocks(rule) else array[None]):
            pieces = np.split(_turn_back(rule.turn, block), len(rule.theirs))
            for name, piece in zip(rule.theirs, pieces, strict=True):
                weights[name.format(i=i)] = np.ascontiguousarray(piece)
    for stack, name in names.positions.items():
        if stack in params:
            weights[name] = sincos_positions(_width(params, stack), grid)[None]
    return weights


def _in_blocks(rule: Rule) -> bool:
    return "{i}" in rule.theirs[0]


def _width(params: Params, stack: str) -> int:
    return params[stack]["norm"]["scale"].shape[0]


def _sources(rule: Rule, shape: Shape) -> list[Source]:
    """The sources of an array of ours of this shape: one for each block, or one."""
    depth, shape = (shape[0], shape[1:]) if _in_blocks(rule) else (1, shape)
    rows, *rest = _their_shape(rule.turn, shape)
    each = (rows // len(rule.theirs), *rest)
    return [Source(tuple(name.format(i=i) for name in rule.theirs), each) for i in range(depth)]


def _ours(rule: Rule, sources: list[Source], weights: Mapping[str, np.ndarray]) -> np.ndarray:
    blocks = [
        _turn(rule.turn, np.concatenate([weights[name] for name in source.names]))
        for source in sources
    ]
    return np.stack(blocks) if _in_blocks(rule) else blocks[0]


def _turn(turn: Turn, theirs: np.ndarray) -> np.ndarray:
    match turn:
        case "same":
            return theirs
        case "linear":
            return theirs.T
        case "patches":
            return theirs.transpose(2, 3, 1, 0).reshape(-1, theirs.shape[0])


def _turn_back(turn: Turn, ours: np.ndarray) -> np.ndarray:
    match turn:
        case "same":
            return ours
        case "linear":
            return ours.T
        case "patches":
            patch = math.isqrt(ours.shape[0] // _CHANNELS)
            return ours.reshape(patch, patch, _CHANNELS, -1).transpose(3, 2, 0, 1)


def _their_shape(turn: Turn, ours: Shape) -> Shape:
    return _turn_back(turn, np.broadcast_to(np.zeros((), np.int8), ours)).shape


def _unfilled(ours: Iterable[str], rules: list[Rule], names: Names) -> list[Misfit]:
    known = {rule.ours for rule in rules}
    return [
        Misfit(path, f"of ours has no name in {names.title}") for path in ours if path not in known
    ]


def _absent_or_misshapen(
    weights: Mapping[str, np.ndarray], sources: Mapping[Rule, list[Source]]
) -> Iterator[Misfit]:
    for source in (source for each in sources.values() for source in each):
        for name in source.names:
            if name not in weights:
                yield Misfit(name, "is missing")
            elif weights[name].shape != source.shape:
                yield Misfit(name, f"is {list(weights[name].shape)}, not {list(source.shape)}")


def _other_positions(
    weights: Mapping[str, np.ndarray], tables: Mapping[str, str], like: Params
) -> Iterator[Misfit]:
    """Tables of positions, by name, that are not the fixed ones of our stack."""
    for name, stack in tables.items():
        if name not in weights:
            continue
        table, width = weights[name], _width(like, stack)
        grid = math.isqrt(max(table.size // width - 1, 0))
        if table.shape != (1, 1 + grid * grid, width):
            yield Misfit(name, f"is {list(table.shape)}, not [1, 1 + grid * grid, {width}]")
        elif not np.allclose(table[0], sincos_positions(width, grid), 0, _POSITION_TOLERANCE):
            yield Misfit(name, "is not the fixed sine-cosine table")


def _left_over(weights: Iterable[str], taken: set[str], unused: tuple[str, ...]) -> list[Misfit]:
    return [
        Misfit(name, "has no place in the model")
        for name in weights
        if name not in taken and not any(fnmatch.fnmatchcase(name, pattern) for pattern in unused)
    ]


def _say(misfits: Iterable[Misfit]) -> str:
    """All of them in one line; what is the same in several blocks is said once."""
    groups = defaultdict(list)
    for misfit in misfits:
        groups[re.sub(r"\.\d+\.", ".{i}.", misfit.name), misfit.what].append(misfit.name)
    return "; ".join(
        f"{names[0]} {what}" if len(names) == 1 else f"{name} {what} ({len(names)} times)"
        for (name, what), names in groups.items()
    )
