"""What is counted in a traced step, before any compiler sees it: operations, traffic, kept activations."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn
from jax.interpreters import partial_eval

from jaxfake.models.remat import STACKS, StackName, scope_of

_FREE = {"broadcast_in_dim", "reshape", "name", "convert_element_type", "squeeze", "iota", "slice"}
"""Primitives that are always fused away or cost nothing."""


class Work(NamedTuple):
    """Floating-point operations of products and convolutions, 2 a multiplication; and bytes that equations
    write, which a compiler that fuses them reduces by a factor that is about the same everywhere."""

    flops: float
    traffic: float

    def __add__(self, other: Any) -> "Work":
        return Work(self.flops + other.flops, self.traffic + other.traffic)

    def times(self, factor: float) -> "Work":
        """So many times the work."""
        return Work(factor * self.flops, factor * self.traffic)


NO_WORK = Work(0.0, 0.0)


class StackCount(NamedTuple):
    """One stack of blocks in a traced step, summed over its blocks and over the batch.

    Attributes:
        kept: bytes from the forward to the backward pass, in the device's memory.
        moved: the same, in the host's memory.
        forward, backward: what is computed; what is computed again is part of the backward pass.
    """

    kept: int
    moved: int
    forward: Work
    backward: Work


class StepCount(NamedTuple):
    """A traced step: the stacks that it trains, and everything in it."""

    stacks: dict[StackName, StackCount]
    whole: Work


def count(traced: Any) -> StepCount:
    """Counts a traced function; what its results do not depend on is left out."""
    closed = traced.jaxpr
    jaxpr, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    found: dict[StackName, StackCount] = {}
    by_stack = defaultdict(list)
    for scan in _scans(jaxpr):
        scope = str(scan.source_info.name_stack)
        for stack in STACKS:
            if scope_of(stack) in scope:
                by_stack[stack].append(scan)
    for stack in STACKS:
        counted = _stack(by_stack[stack])
        if counted.kept or counted.moved:
            found[stack] = counted
    return StepCount(found, _work(jaxpr))


def nbytes(aval: Any) -> int:
    """Bytes of an array of a shape and dtype; keys count as nothing."""
    if not hasattr(aval, "shape") or jax.dtypes.issubdtype(aval.dtype, jax.dtypes.extended):
        return 0
    return int(np.prod(aval.shape)) * aval.dtype.itemsize


def _stack(scans: list[JaxprEqn]) -> StackCount:
    kept = moved = 0
    forward = backward = NO_WORK
    for scan in scans:
        work = _work_of(scan)
        if "transpose" in str(scan.source_info.name_stack):
            backward += work
            continue
        stored = _stacked_outputs(scan)
        host = [one for one in stored if one.memory_space == jax.memory.Space.Host]
        if stored:  # a stack that is not trained stores nothing
            forward += work
            moved += sum(map(nbytes, host))
            kept += sum(map(nbytes, stored)) - sum(map(nbytes, host))
    return StackCount(kept, moved, forward, backward)


def _stacked_outputs(scan: JaxprEqn) -> list[Any]:
    """What a scan gives for every block: it has one axis more than inside of the block."""
    inside = [variable.aval for variable in scan.params["jaxpr"].jaxpr.outvars]
    outside: list[Any] = [variable.aval for variable in scan.outvars]
    pairs = zip(outside, inside, strict=True)
    return [out for out, one in pairs if len(out.shape) > len(one.shape)]


def _work(jaxpr: Jaxpr) -> Work:
    return sum((_work_of(equation) for equation in jaxpr.eqns), NO_WORK)


def _work_of(equation: JaxprEqn) -> Work:
    """Of an equation, with what is inside of it."""
    inner = list(_inside(equation))
    if inner:
        repeats = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        return sum((_work(one) for one in inner), NO_WORK).times(repeats)
    free = equation.primitive.name in _FREE
    written = 0 if free else sum(nbytes(out.aval) for out in equation.outvars)
    return Work(_products(equation), written)


def _scans(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All scans, also inside of other programs."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            yield equation
        for one in _inside(equation):
            yield from _scans(one)


def _inside(equation: JaxprEqn) -> Iterator[Jaxpr]:
    for value in equation.params.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            inner = getattr(one, "jaxpr", one)
            if isinstance(inner, Jaxpr):
                yield inner


def _products(equation: JaxprEqn) -> int:
    given: list[Any] = [variable.aval for variable in equation.invars]
    result: Any = equation.outvars[0].aval
    match equation.primitive.name:
        case "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left, out = given[0].shape, result.shape
            return 2 * int(np.prod(out)) * int(np.prod([left[axis] for axis in contracted]))
        case "conv_general_dilated":
            kernel, numbers = given[1].shape, equation.params["dimension_numbers"]
            a_pixel = int(np.prod(kernel)) // kernel[numbers.rhs_spec[0]]
            return 2 * int(np.prod(result.shape)) * a_pixel
    return 0
