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


QUICK = {
    "cpu": {"xla_backend_optimization_level": 0},
    "gpu": {"xla_gpu_autotune_level": 0},
}
"""Options that make compiling faster and leave the buffers as they are, by back end."""


def analyse(program: Any, *arguments: Any) -> Analysis:
    """Traces and compiles a jitted function for abstract arguments, quickly."""
    traced = program.trace(*arguments)
    compiled = traced.lower().compile(compiler_options=QUICK.get(jax.default_backend()))
    return of_compiled(compiled, traced.jaxpr.jaxpr)


def of_compiled(compiled: Any, jaxpr: Any) -> Analysis:
    """The analysis of a program that is compiled."""
    said = compiled.memory_analysis()
    return Analysis(
        arguments=said.argument_size_in_bytes,
        outputs=said.output_size_in_bytes,
        aliased=said.alias_size_in_bytes,
        temporary=said.temp_size_in_bytes,
        host=getattr(said, "host_temp_size_in_bytes", 0),
        flops=jaxprs.flops(jaxpr),
        traffic=jaxprs.traffic(jaxpr),
    )
