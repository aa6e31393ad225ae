"""Every stage of training, small enough to compile in a test."""

import importlib

from jaxfake import config
from jaxfake.experiment import build_method
from jaxfake.train.memory.workload import Workload, workload_of

FACES = 16

WORKLOADS = {
    "recover": ("mover", "", "recover"),
    "deepfakemae": ("deepfakemae", "", "detect"),
    "mover": ("mover", "", "detect"),
    "recap": ("recap", "", "detect"),
    "delocate": ("delocate", "no_meta", "detect"),
    "meta-learning": ("delocate", "", "detect"),
}


def workload(name: str) -> Workload:
    """A stage by its name: two blocks of width 16 a stack, faces of 32 pixels, patches of 8."""
    file, variant, stage = WORKLOADS[name]
    values = importlib.import_module(f"configs.{file}").get_config(variant)
    values.data.size, values.model.patch, values.mask.count = 32, 8, 4
    for stack in (values.model.encoder, values.model.decoder):
        stack.width, stack.depth = 16, 2
    for one in (values.recover, values.detect):
        one.update(batch_size=FACES, learning_rate=1e-2, warmup=0.0)
    values.recover.ema = 0.9
    if file == "delocate":
        # With 8 channels in 8 groups the gates would see means that are 0 but for rounding.
        values.method.width = 6
    run = config.parse(values)
    settings = run.recover if stage == "recover" else run.detect
    assert settings is not None
    return workload_of(build_method.stage_method(run, stage), settings, run)
