"""The part of a detector that a model folder may leave out: what training did not change of an imported
encoder, where it is the one that jaxfake fetches by name."""

import dataclasses

import jax

from jaxfake.config import Config
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.start.imported_network import load_imported
from jaxfake.models.finetuned.tuning import IMPORTED
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError
from jaxfake.weights import foundation_file


@dataclasses.dataclass(frozen=True)
class Foundation:
    """An encoder by its name, with the sha256 of the file of its weights."""

    name: str
    sha256: str


KNOWN = Foundation(foundation_file.NAME, foundation_file.WEIGHTS_SHA256)


def foundation_of(run: LoadedRun) -> Foundation:
    """The encoder that stage 2 of a run began with.

    Raises:
        InputError: it has none, changed all of it, or it is not one that is fetched by name.
    """
    began = run.metadata.identity.start or ""
    if IMPORTED not in run.params or f"sha256 {KNOWN.sha256}" not in began:
        raise InputError(
            f"nothing can be left out: the detector does not keep an imported {KNOWN.name}, which is the "
            f"encoder that jaxfake fetches by name ({foundation_file.FETCH_COMMAND})"
        )
    return KNOWN


def foundation_params(foundation: Foundation, config: Config) -> Params:
    """The parameters that were left out, under their names in the detector; fetched if they are not here.

    Raises:
        InputError: the encoder is not known, or cannot be had.
    """
    if foundation != KNOWN or config.finetuned is None:
        raise InputError(
            f"the model needs the encoder {foundation.name!r} with sha256 {foundation.sha256}, and "
            f"{KNOWN.name!r} with {KNOWN.sha256} is the only one that is known here"
        )
    finetuned = dataclasses.replace(config.finetuned, weights=foundation.name)
    here = dataclasses.replace(config, finetuned=finetuned)
    imported, network = load_imported(here), build_method.imported_network(here)
    assert imported is not None
    assert network is not None
    params = network.init(jax.random.key(0), {IMPORTED: imported.params})
    return {IMPORTED: jax.device_get(params[IMPORTED])}
