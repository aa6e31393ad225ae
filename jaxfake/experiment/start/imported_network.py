"""The weights of the network that stage 2 finetunes beside the recovery's, from a file or by name."""

import dataclasses
from pathlib import Path

import jax

from jaxfake.config import Config
from jaxfake.experiment import build_method
from jaxfake.experiment.start.initial_weights import InitialWeights
from jaxfake.models.finetuned.tuning import IMPORTED
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError
from jaxfake.weights import foundation_file
from jaxfake.weights.foundation import load_foundation
from jaxfake.weights.pixel_scale import pixel_scale, to_our_pixels
from jaxfake.weights.tensors import holds_weights, weights_digest


@dataclasses.dataclass(frozen=True)
class ImportedWeights:
    """Weights of an imported network.

    Attributes:
        params: of the whole network, for our pixels.
        origin: for checkpoints and reports.
    """

    params: Params
    origin: str


def check_imported(run: Config) -> None:
    """Checks, before any data is made, that there are weights to import, if the config wants some.

    Raises:
        InputError: there are none, or they are known by name and cannot be fetched.
    """
    if run.finetuned is not None:
        _checked_path(run.finetuned.weights)


def load_imported(run: Config) -> ImportedWeights | None:
    """The weights that the config names; None if it has no imported network.

    Raises:
        InputError: they are not there, are of another network, or do not say on what pixels they were
            trained.
    """
    network = build_method.imported_network(run)
    if network is None:
        return None
    path, settings = _checked_path(network.settings.weights), network.settings
    like = jax.eval_shape(lambda: network.fresh_weights(jax.random.key(0)))
    found = load_foundation(path, settings.vit, network.grid, like)
    flag = "config.finetuned.pixels"
    scale = pixel_scale(path, settings.pixels, "", has_decoder=False, flag=flag)
    found = to_our_pixels({"encoder": found}, scale)["encoder"]
    arrays = jax.tree.map(jax.numpy.asarray, found)
    return ImportedWeights(arrays, f"weights with sha256 {weights_digest(path)}")


def _checked_path(weights: str) -> Path:
    """The file or folder that a config names; the encoder that is known by name is fetched, once."""
    path = foundation_file.obtain() if weights == foundation_file.NAME else Path(weights)
    if not holds_weights(path):
        raise InputError(
            f"finetuned.weights={weights} is neither a .safetensors file, nor a folder with "
            f"model.safetensors, nor {foundation_file.NAME!r}, which is fetched by name"
        )
    return path


def beside(begin: InitialWeights, imported: ImportedWeights | None) -> InitialWeights:
    """What stage 2 starts from, with the imported network; a detector has its own already."""
    if imported is None or begin.detector is not None:
        return begin
    start = (begin.autoencoder or {}) | {IMPORTED: imported.params}
    origin = f"{begin.origin}; finetuned network: {imported.origin}"
    return dataclasses.replace(begin, autoencoder=start, origin=origin)
