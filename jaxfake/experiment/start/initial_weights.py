"""What stage 2 starts from when it is not this run's own stage 1."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

import jax

from jaxfake.checkpoints.manager import is_checkpoint
from jaxfake.config import Config
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import load_stage
from jaxfake.experiment.locate_run import locate
from jaxfake.experiment.run_folder import DETECT, RECOVER, RunFolder
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.weights.files import load_autoencoder
from jaxfake.weights.pixel_scale import pixel_scale, to_our_pixels
from jaxfake.weights.tensors import SUFFIX, holds_weights, weights_digest

OWN, SCRATCH = "recover", "scratch"


@dataclasses.dataclass(frozen=True)
class InitialWeights:
    """Parameters of an autoencoder, or of a whole detector, and where they come from.

    Attributes:
        autoencoder: with an imported network beside it, if there is one, see `Method.init`; None for
            fresh ones.
        origin: for checkpoints and reports.
        detector: of another run, which goes on from there; None to begin with the autoencoder.
        trained: which of the autoencoder's 'encoder' and 'decoder' are not fresh.
    """

    autoencoder: Params | None
    origin: str
    detector: Params | None = None
    trained: tuple[str, ...] = ("encoder", "decoder")

    @property
    def stage_one(self) -> Params | None:
        """What of the autoencoder is trained; None if nothing is."""
        if self.autoencoder is None:
            return None
        return {stack: self.autoencoder[stack] for stack in self.trained} or None


def own_origin(step: int) -> str:
    """What a stage 2 that begins with the run's own stage 1 says of it."""
    return f"stage 1 of this run, step {step}"


def check_start(run: Config) -> None:
    """Checks, before any data is made, that `start` names something to start from.

    Raises:
        InputError: it names nothing.
    """
    path = Path(run.start)
    if run.start in (OWN, SCRATCH) or path.is_dir() or _is_weights(path):
        return
    raise InputError(
        f"start={run.start} is neither {OWN!r}, {SCRATCH!r}, the folder of a run nor a "
        ".safetensors file, or a folder with model.safetensors"
    )


def load_initial_weights(run: Config) -> InitialWeights:
    """What `start` names: 'scratch', the folder of another run, or weights in .safetensors files.

    Raises:
        InputError: it does not exist, does not fit, or lacks what the method freezes.
    """
    check_start(run)
    if run.start == SCRATCH:
        _check_frozen(run, trained=())
        return InitialWeights(None, "fresh parameters")
    path = Path(run.start)
    return _from_weights(run, path) if _is_weights(path) else _from_run(run, path)


def _check_frozen(run: Config, trained: Collection[str]) -> None:
    """Refuses a method that would freeze fresh parameters, or take them for its teacher.

    Args:
        run: its config.
        trained: which of 'encoder' and 'decoder' start from trained weights.

    Raises:
        InputError: nothing would ever train what the method freezes.
    """
    if run.method is None:
        return
    method = build_method.detector(run)
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    fresh = [stack for stack in params.get("frozen", {}) if stack not in trained]
    if fresh:
        raise InputError(
            f"start={run.start} has no trained {' and '.join(fresh)}, which {run.method.name} keeps as it "
            f"is, so that nothing would ever train it. Train stage 1 (start={OWN}), or name weights that "
            "have both"
        )


def _is_weights(path: Path) -> bool:
    """Whether `start` names weights in files, and not a run."""
    return holds_weights(path) and not RunFolder(path).checkpoints.is_dir()


def _from_run(run: Config, folder: Path) -> InitialWeights:
    """Stage 1 of a run; or, where the folder is of checkpoints of stage 2, that detector."""
    _refuse_unnamed_weights(folder)
    located = locate(folder, None, (RECOVER, DETECT) if _holds_checkpoints(folder) else (RECOVER,))
    # What computes attention changes nothing in the parameters.
    model = dataclasses.replace(located.config.model, attend=run.model.attend)
    other = dataclasses.replace(located.config, model=model)
    if (other.model, other.data.size) != (run.model, run.data.size):
        raise InputError(
            f"start={folder} holds an autoencoder {other.model} of {other.data.size} pixels, but this "
            f"config's is {run.model} of {run.data.size} pixels"
        )
    if located.stage == DETECT and other.method != run.method:
        raise InputError(f"start={folder} holds a detector {other.method}, not {run.method}")
    if located.stage == DETECT and _network_of(other) != _network_of(run):
        raise InputError(
            f"start={folder} holds a detector with finetuned={other.finetuned}, not {run.finetuned}"
        )
    stage = load_stage(located, other, build_method.stage_method(other, located.stage), None)
    # Of stage 2 the best state is taken, which need not be the last.
    newest = stage.step if located.stage == RECOVER else max(stage.step, located.newest or 0)
    if newest < stage.settings.steps and not located.single:
        number = 1 if located.stage == RECOVER else 2
        raise InputError(
            f"start={folder}: its stage {number} is at step {newest} of {stage.settings.steps}, not "
            f"finished; to start from that, name its own folder, {located.checkpoints / str(newest)}"
        )
    if other.mask != run.mask:
        say(
            f"start={folder}: its stage 1 learnt to recover {_masks(other)}; this run hides {_masks(run)}"
        )
    identity = stage.metadata.identity
    trained_from = f"step {stage.step}, config {identity.config}, data {identity.data}"
    if located.stage == DETECT:
        return InitialWeights(None, f"stage 2 of another run, {trained_from}", stage.params)
    return InitialWeights(stage.params, f"stage 1 of another run, {trained_from}")


def _network_of(run: Config) -> ImportedSettings | None:
    """The imported network, wherever its weights were."""
    return run.finetuned and dataclasses.replace(run.finetuned, weights="", pixels="")


def _holds_checkpoints(folder: Path) -> bool:
    """Whether this is the folder of one checkpoint, or of those of one stage."""
    return any(is_checkpoint(path) for path in (folder, *folder.glob("[0-9]*")))


def _masks(run: Config) -> str:
    return f"{run.mask.count} patches, mask mode {run.mask.mode!r}"


def _refuse_unnamed_weights(folder: Path) -> None:
    files = sorted(path.name for path in folder.glob(f"*{SUFFIX}"))
    if files and not RunFolder(folder).checkpoints.is_dir():
        raise InputError(
            f"start={folder} holds {', '.join(files[:3])}: name the {SUFFIX} file itself"
        )


def _from_weights(run: Config, path: Path) -> InitialWeights:
    recover = build_method.recovery(run)
    key = jax.random.key(run.seed)
    like = jax.eval_shape(lambda: recover.init(key, None))
    found = load_autoencoder(path, like)
    scale = pixel_scale(path, run.start_pixels, run.start_norm_pix, "decoder" in found)
    if scale.norm_pix:
        say(
            f"{path}: its decoder predicts pixels normalised by patch, not a picture, and is left out"
        )
        found = {"encoder": found["encoder"]}
    found = to_our_pixels(found, scale)
    _check_frozen(run, found)
    trained = tuple(found)
    if found.keys() != like.keys():  # an encoder alone: its decoder is trained in stage 2
        found = recover.init(key, None) | found
    arrays = jax.tree.map(jax.numpy.asarray, found)
    origin = f"weights with sha256 {weights_digest(path)}"
    return InitialWeights(arrays, origin, trained=trained)
