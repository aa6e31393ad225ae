"""What is counted in a traced step, before any compiler sees it: operations, traffic, kept activations."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn
from jax.interpreters import partial_eval

from jaxfake.models.remat import POLICIES, STACKS, Policy, StackName, scope_of

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


class SegmentCount(NamedTuple):
    """The blocks of a stack that have one policy in a traced step.

    Attributes:
        blocks: how many there are; the rest is of one of them, summed over the batch.
        kept: bytes from the forward to the backward pass, in the device's memory.
        moved: the same, in the host's memory.
        forward, backward: what is computed; what is computed again is part of the backward pass.
    """

    blocks: int
    kept: float
    moved: float
    forward: Work
    backward: Work


class StepCount(NamedTuple):
    """A traced step: the segments of the stacks that it trains, and everything in it."""

    stacks: dict[StackName, dict[Policy, SegmentCount]]
    whole: Work

    @property
    def outside(self) -> Work:
        """The work outside of these stacks."""
        segments = [one for several in self.stacks.values() for one in several.values()]
        inside = [(one.forward + one.backward).times(one.blocks) for one in segments]
        return self.whole + sum(inside, NO_WORK).times(-1.0)

    @property
    def kept(self) -> float:
        """Bytes that all blocks keep in the device's memory."""
        segments = [one for several in self.stacks.values() for one in several.values()]
        return sum(one.blocks * one.kept for one in segments)


def count(traced: Any) -> StepCount:
    """Counts a traced function; what its results do not depend on is left out."""
    closed = traced.jaxpr
    jaxpr, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    scans: dict[tuple[StackName, Policy], list[JaxprEqn]] = defaultdict(list)
    for scan in _scans(jaxpr):
        scope = str(scan.source_info.name_stack)
        for segment in product(STACKS, POLICIES):
            if scope_of(*segment) in scope:
                scans[segment].append(scan)
    found: dict[StackName, dict[Policy, SegmentCount]] = {}
    for stack, policy in product(STACKS, POLICIES):
        counted = _segment(scans[stack, policy])
        if counted.kept or counted.moved:
            found.setdefault(stack, {})[policy] = counted
    return StepCount(found, _work(jaxpr))


def nbytes(aval: Any) -> int:
    """Bytes of an array of a shape and dtype; keys count as nothing."""
    if not hasattr(aval, "shape") or jax.dtypes.issubdtype(aval.dtype, jax.dtypes.extended):
        return 0
    return int(np.prod(aval.shape)) * aval.dtype.itemsize


def _segment(scans: list[JaxprEqn]) -> SegmentCount:
    """All scans over the same blocks: of the forward and the backward pass, and of meta-learning's."""
    kept = moved = 0.0
    forward = backward = NO_WORK
    blocks = max((scan.params["length"] for scan in scans), default=0)
    for scan in scans:
        work = _work_of(scan).times(1 / blocks)
        if "transpose" in str(scan.source_info.name_stack):
            backward += work
            continue
        stored = _stacked_outputs(scan)
        host = [one for one in stored if one.memory_space == jax.memory.Space.Host]
        if stored:  # a stack that is not trained stores nothing
            forward += work
            hosted = sum(map(nbytes, host)) / blocks
            moved += hosted
            kept += sum(map(nbytes, stored)) / blocks - hosted
    return SegmentCount(blocks, kept, moved, forward, backward)


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
