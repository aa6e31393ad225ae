"""What is counted in a traced program, before any compiler sees it: products, traffic, kept activations."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn

_FREE = {"broadcast_in_dim", "reshape", "name", "convert_element_type", "squeeze", "iota", "slice"}
"""Primitives that are always fused away or cost nothing."""


def nbytes(aval: Any) -> int:
    """Bytes of an array of a shape and dtype; keys count as nothing."""
    if not hasattr(aval, "shape") or jax.dtypes.issubdtype(aval.dtype, jax.dtypes.extended):
        return 0
    return int(np.prod(aval.shape)) * aval.dtype.itemsize


def equations(jaxpr: Jaxpr, times: int = 1) -> Iterator[tuple[JaxprEqn, int]]:
    """All equations that hold no other, each with how often it runs."""
    for equation in jaxpr.eqns:
        inner = list(_inside(equation))
        if not inner:
            yield equation, times
        repeats = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        for one in inner:
            yield from equations(one, times * repeats)


def scans(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All scans, also inside of other programs."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "scan":
            yield equation
        for one in _inside(equation):
            yield from scans(one)


def flops(jaxpr: Jaxpr) -> int:
    """Floating-point operations of matrix products and convolutions, 2 a multiplication."""
    return sum(times * _products(equation) for equation, times in equations(jaxpr))


def traffic(jaxpr: Jaxpr) -> int:
    """Bytes that all equations write; what a compiler fuses is less by a factor that is about the same."""
    return sum(
        times * sum(nbytes(out.aval) for out in equation.outvars)
        for equation, times in equations(jaxpr)
        if equation.primitive.name not in _FREE
    )


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
