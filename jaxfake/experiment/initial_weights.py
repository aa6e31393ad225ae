"""What stage 2 starts from when it is not this run's own stage 1."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax

from jaxfake.config import Config
from jaxfake.experiment import build, locate
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import sha256
from jaxfake.weights.files import load_autoencoder

OWN, SCRATCH = "recover", "scratch"


class Start(NamedTuple):
    """Parameters of an autoencoder and where they come from."""

    autoencoder: Params | None  # None: fresh ones
    origin: str  # for checkpoints and reports


def check(run: Config) -> None:
    """Says at once, before any data is made, that `start` names nothing to start from.

    Raises:
        InputError: so it is.
    """
    path = Path(run.start)
    if run.start in (OWN, SCRATCH) or path.is_dir() or _is_file(path):
        return
    raise InputError(
        f"start={run.start} is neither {OWN!r}, {SCRATCH!r}, the folder of a run nor a "
        ".safetensors file"
    )


def elsewhere(run: Config) -> Start:
    """The start that `start` names: 'scratch', the folder of another run, or a .safetensors file.

    Raises:
        InputError: it does not exist or does not fit.
    """
    check(run)
    if run.start == SCRATCH:
        return Start(None, "fresh parameters")
    path = Path(run.start)
    return _of_file(run, path) if _is_file(path) else _of_run(run, path)


def _is_file(path: Path) -> bool:
    return path.suffix == ".safetensors" and path.is_file()


def _of_run(run: Config, folder: Path) -> Start:
    found = locate.find(folder, None, (build.RECOVER,))
    # What computes attention changes nothing in the parameters.
    model = dataclasses.replace(found.config.model, attend=run.model.attend)
    other = dataclasses.replace(found.config, model=model)
    if (other.model, other.data.size) != (run.model, run.data.size):
        raise InputError(
            f"start={folder} holds an autoencoder {other.model} of {other.data.size} pixels, but this "
            f"config's is {run.model} of {run.data.size} pixels"
        )
    stage = locate.restore(found, build.recovery(other), None)
    if stage.step < other.recover.steps and not found.single:
        raise InputError(
            f"start={folder}: its stage 1 is at step {stage.step} of {other.recover.steps}, not finished; "
            f"to start from that, name its own folder, {found.folder / str(stage.step)}"
        )
    made_of = f"config {stage.noted.config}, data {stage.noted.data}"
    return Start(stage.params, f"stage 1 of another run, step {stage.step}, {made_of}")


def _of_file(run: Config, path: Path) -> Start:
    recover = build.recovery(run)
    key = jax.random.key(run.seed)
    like = jax.eval_shape(lambda: recover.init(key, None))
    found = load_autoencoder(path, like)
    if found.keys() != like.keys():  # an encoder alone: its decoder is learnt
        found = recover.init(key, None) | found
    return Start(jax.tree.map(jax.numpy.asarray, found), f"weights with sha256 {sha256(path)}")
