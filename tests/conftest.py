"""A hostile session: eight fake devices, strict promotion, warnings as errors."""

import os

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
from absl import flags

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "allow")
# Grain reads a flag of its own; outside absl.app.run nobody has parsed it.
flags.FLAGS.mark_as_parsed()
