"""A hostile session: eight fake devices, strict promotion, warnings as errors; and small data."""

import gc
import os
import shutil
import signal
import sys
import uuid
from pathlib import Path

os.environ["XLA_FLAGS"] = " ".join(
    (
        os.environ.get("XLA_FLAGS", ""),
        "--xla_force_host_platform_device_count=8",
        "--xla_backend_optimization_level=0",  # compiles three times as fast, for models this small
        # Eight devices that wait for each other on a busy machine are late, not stuck.
        "--xla_cpu_collective_call_warn_stuck_timeout_seconds=3600",
        "--xla_cpu_collective_call_terminate_timeout_seconds=3600",
        "--xla_cpu_collective_timeout_seconds=3600",
    )
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# One folder of compiled programs for both workers and all processes that tests start, kept for the next
# session. A key of it has the program, the versions, the flags above and the kind of processor.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "programs")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax
import pytest
from absl import flags
from hypothesis import HealthCheck, settings

from jaxfake.faces import model_files
from jaxfake.runtime.errors import InputError
from jaxfake.train.compile_cache import write_programs_whole
from tests import guardian

# Python's compiled modules are kept too: otherwise each process that a test starts would compile them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
guardian.watch(uuid.uuid4().hex)  # ends what tests have started, if pytest itself is killed
write_programs_whole()
# A slow machine is not a failure; and the same examples are drawn everywhere.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("patient")
# What a shell's background job or nohup ignores, the processes that tests start would ignore too. Handlers,
# unlike that, are not inherited.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)
pytest_plugins = (
    "tests.calibrated",
    "tests.in_memory",
    "tests.one_device",
    "tests.processes",
    "tests.shared",
)

jax.config.update("jax_numpy_dtype_promotion", "strict")
# Grain reads a flag of its own; outside absl.app.run nobody has parsed it.
flags.FLAGS.mark_as_parsed()

LONGEST = (
    "test_main",
    "test_detectors",
    "test_job",
    "test_kill",
    "test_step",
    "test_continue_run",
    "test_network",
    "test_rates",
    "test_earlier_run",
    "test_detect_verb",
    "test_copied_run",
    "test_shipped_configs",
    "test_multiprocess",
)
"""Files that take longest: they begin first, so that no worker is left alone with one at the end. The first
two differ in what they need of `tests.shared`, so neither waits until the other has made it."""

MOST_PROGRAMS = 1 << 30
"""Bytes of compiled programs, after which they are made anew: those of older versions stay there too."""

SHARED = Path(__file__).parents[2] / "shared" / "data"


def pytest_sessionstart(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return  # the workers begin later
    folder = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    if sum(file.stat().st_size for file in folder.glob("*")) > MOST_PROGRAMS:
        shutil.rmtree(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


def pytest_collection_finish() -> None:
    """What is imported by now stays, and tracing makes many objects: both are looked at less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def face_models() -> model_files.FaceModels:
    """The face models of the cache folder."""
    try:
        return model_files.check(model_files.folder())
    except InputError:
        pytest.skip(f"no face models in {model_files.folder()}: run {model_files.FETCH_COMMAND}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photographs and clips beside the project, where there are any."""
    if not SHARED.is_dir():
        pytest.skip(f"no folder {SHARED} with real faces")
    return SHARED
