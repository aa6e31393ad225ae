"""What a compiler says a program needs, found ahead of time: nothing is allocated and nothing runs."""

from typing import Any, NamedTuple

import jax

from jaxfake.train.memory import jaxprs


class Analysis(NamedTuple):
    """Of one program on one device, in bytes.

    `peak_memory_in_bytes` of XLA is left out: on a CPU it is the size of the arguments.
    """

    arguments: int
    outputs: int
    aliased: int  # outputs that take the place of arguments
    temporary: int
    host: int  # temporary, in the host's memory
    flops: int  # of products and convolutions, counted before compilation
    traffic: int  # bytes written by all equations, unfused

    @property
    def total(self) -> int:
        """What the device must have while the program runs."""
        return self.arguments + self.temporary + self.outputs - self.aliased


def analyse(program: Any, *arguments: Any) -> Analysis:
    """Traces and compiles a jitted function for abstract arguments.

    On a CPU the back end need not optimise: the buffers are the same, and compiling takes half as long.
    """
    traced = program.trace(*arguments)
    lowered = traced.lower()
    quick = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    said = lowered.compile(compiler_options=quick).memory_analysis()
    return Analysis(
        arguments=said.argument_size_in_bytes,
        outputs=said.output_size_in_bytes,
        aliased=said.alias_size_in_bytes,
        temporary=said.temp_size_in_bytes,
        host=getattr(said, "host_temp_size_in_bytes", 0),
        flops=jaxprs.flops(traced.jaxpr.jaxpr),
        traffic=jaxprs.traffic(traced.jaxpr.jaxpr),
    )
