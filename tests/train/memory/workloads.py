"""Stages of training, small enough to compile in a test."""

import functools
import importlib

import jax

from jaxfake import config
from jaxfake.experiment import build_method
from jaxfake.train.memory.workload import Workload

FACES = 16

WORKLOADS = {
    "recover": ("mover", "recover"),
    "mover": ("mover", "detect"),
    "recap": ("recap", "detect"),
}
"""Config and stage."""


def workload(name: str) -> Workload:
    """A stage by its name: two blocks of width 16 a stack, faces of 32 pixels, patches of 8.

    What was traced and compiled of it is shared by all tests with as many devices.
    """
    return _made(name, jax.device_count())


@functools.cache
def _made(name: str, _devices: int) -> Workload:
    file, stage = WORKLOADS[name]
    values = importlib.import_module(f"configs.{file}").get_config()
    values.data.size, values.model.patch, values.mask.count = 32, 8, 4
    for stack in (values.model.encoder, values.model.decoder):
        stack.width, stack.depth = 16, 2
    for one in (values.recover, values.detect):
        one.update(batch_size=FACES, learning_rate=1e-2, warmup=0.0)
    values.recover.ema = 0.9
    return build_method.stage_workload(config.parse(values), stage)
