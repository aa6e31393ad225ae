"""How fast a stage trains on this machine, with the data already on the device.

    python tools/benchmark.py --config=configs/pretrain.py:vit_b [--config.recover.batch_size=512]

Prints one line of JSON: faces per second, seconds to compile and, on a GPU, the largest difference
between fused (cuDNN) attention and the plain one on the same numbers. Nothing is read from disk and
nothing is written.
"""

import json
import time

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax.sharding import NamedSharding

from jaxfake import config, schema
from jaxfake.experiment import build_method
from jaxfake.models.vit import attention
from jaxfake.runtime import cli, config_flag
from jaxfake.runtime.devices import check_devices
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.update import update_parts

_CONFIG = config_flag.define_config("configs/mover.py", "What to train.")
_STEPS = flags.DEFINE_integer("steps", 20, "Updates to time, after two to warm up.", 1)


def main() -> None:
    """Times the update of stage 1."""
    check_devices()
    settings = config.parse(_CONFIG.value)
    stage, method = settings.recover, build_method.recovery(settings)
    batch = noise(settings)
    update = update_parts(method, stage, settings, batch).under(None)
    batch = jax.device_put(batch, NamedSharding(update.mesh, sharding.BATCH))
    state = update.fresh()
    began = time.monotonic()
    step = update.step.lower(state, batch).compile()  # type: ignore[union-attr]
    compiling = time.monotonic() - began
    for turn in range(_STEPS.value + 2):
        if turn == 2:
            jax.block_until_ready(state)
            began = time.monotonic()
        state = step(state, batch)
    jax.block_until_ready(state)
    seconds = time.monotonic() - began
    result = {
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "batch_size": stage.batch_size,
        "faces_per_second": _STEPS.value * stage.batch_size / seconds,
        "compile_seconds": compiling,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        "fused_attention_difference": fused_difference(),
    }
    print(json.dumps(result))


def noise(settings: config.Config) -> Batch:
    """A batch of random pixels without landmarks."""
    count, side = settings.recover.batch_size, settings.data.size
    rng = np.random.default_rng(settings.seed)
    return {
        schema.IMAGE: rng.integers(0, 256, (count, side, side, 3), np.uint8),
        schema.LANDMARKS: np.full((count, 68, 2), np.nan, np.float32),
        schema.VALID: np.ones(count, np.bool_),
    }


def fused_difference() -> float | None:
    """Largest difference of fused and plain attention in bfloat16; None where there is no GPU."""
    if jax.default_backend() != "gpu":
        return None
    keys = jax.random.split(jax.random.key(0), 3)
    shape = (8, 197, 12, 64)  # ViT-B at 224 pixels
    query, key, value = (jax.random.normal(k, shape, jnp.bfloat16) for k in keys)
    plain = attention(query, key, value, "xla").astype(jnp.float32)
    fused = attention(query, key, value, "cudnn").astype(jnp.float32)
    return float(jnp.abs(plain - fused).max())


if __name__ == "__main__":
    cli.run(main)
