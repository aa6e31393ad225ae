"""A detector that is ready to score: from a run's folder, a model folder, or a name for one of them."""

import dataclasses
import hashlib
import os
import tomllib
from pathlib import Path

from jaxfake.config import Config
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import ScoringSettings
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun, load_run
from jaxfake.experiment.open_data import TOYFACES
from jaxfake.experiment.run_calibration import calibration_of
from jaxfake.experiment.run_folder import DETECT
from jaxfake.inference.model import model_folder
from jaxfake.inference.model.card import card
from jaxfake.inference.results import ModelFacts, Reason
from jaxfake.models.method import Method, Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded

NAMES_VARIABLE = "JAXFAKE_MODELS"
"""Environment variable with the path of the file of names, if it is not the usual one."""

STARTER = "starter"
"""Name of the detector that comes with jaxfake."""

_STARTER_FOLDER = Path(__file__).parent / STARTER
_MOST_NAMES_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True, eq=False)
class OpenedModel:
    """A detector, and everything that is said of it.

    Attributes:
        degraded: what is missing for a full answer; nothing if all is there.
    """

    method: Method
    params: Params
    config: Config
    calibration: Calibration | Undefined
    facts: ModelFacts
    degraded: tuple[Reason, ...]

    @property
    def scoring(self) -> ScoringSettings:
        """How faces are scored, as `evaluate` does it."""
        return build_method.scoring(self.config)


def open_model(model: str) -> OpenedModel:
    """The detector that a person names.

    Args:
        model: the folder of a run, or what is left of one; a model folder; a name in the file of names; or
            'starter', the detector that comes with jaxfake.

    Raises:
        InputError: there is no such detector, or it is damaged.
    """
    path = model_path(model)
    if model_folder.is_model_folder(path):
        return _from_folder(path)
    run = load_run(path, None)
    if run.stage != DETECT:
        raise InputError(
            f"--model={model} holds a checkpoint of stage 1, which is no detector: train stage 2 first"
        )
    return from_run(run, path.resolve().name)


def from_run(run: LoadedRun, name: str, trained_on: str = "") -> OpenedModel:
    """The detector of a run that was loaded.

    Args:
        run: with a detector.
        name: of the model.
        trained_on: what the training data are, in words; '' for the name of their folder.
    """
    calibration = calibration_of(run, run.config.evaluation.aggregation)
    identity = run.metadata.identity
    facts = ModelFacts(
        name=name,
        method=run.title,
        step=run.step,
        config_sha256=identity.config,
        weights_sha256=hashlib.sha256(model_folder.weights_bytes(run.params)).hexdigest(),
        train_sha256=identity.data or "",
        calibration_sha256=None if isinstance(calibration, Undefined) else calibration.sha256,
        licence="",
        card=card(run, calibration, trained_on),
    )
    degraded = (*_degraded(calibration, run.config), *_unfinished(run))
    return OpenedModel(run.method, run.params, run.config, calibration, facts, degraded)


def names_file() -> Path:
    """The file of names: what the environment says, else `jaxfake/models.toml` in the user's settings."""
    given = os.environ.get(NAMES_VARIABLE)
    if given:
        return Path(given).expanduser()
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "jaxfake" / "models.toml"


def _from_folder(path: Path) -> OpenedModel:
    loaded = model_folder.load(path)
    return OpenedModel(
        loaded.method,
        loaded.params,
        loaded.config,
        loaded.calibration,
        loaded.facts,
        _degraded(loaded.calibration, loaded.config),
    )


def _degraded(calibration: Calibration | Undefined, config: Config) -> tuple[Reason, ...]:
    found = []
    if config.data.source == TOYFACES:
        sentence = "it was trained on drawn faces, and what it says of people means nothing"
        found.append(Reason("drawn_faces", sentence))
    if isinstance(calibration, Undefined):
        sentence = f"scores are no probabilities and no verdict is given: {calibration.reason}"
        return (*found, Reason("not_calibrated", sentence))
    if not calibration.ranges:
        sentence = "it is not known for which sizes, sharpness and poses of faces it was validated"
        found.append(Reason("no_validated_ranges", sentence))
    if calibration.kind == "isotonic":
        found.append(Reason("no_interval", "ratios of an isotonic calibration have no interval"))
    return tuple(found)


def _unfinished(run: LoadedRun) -> tuple[Reason, ...]:
    newest, steps = run.located.newest if run.located else None, run.settings.steps
    if newest is None or newest >= steps:
        return ()
    sentence = f"its training had come to step {newest} of {steps}"
    return (Reason("training_unfinished", sentence),)


def model_path(model: str) -> Path:
    """The folder of a model: a folder of that name counts more than a name in the file, and that more than
    the starter's.

    Raises:
        InputError: there is neither.
    """
    path = Path(model).expanduser()
    if path.is_dir() or os.sep in model:
        return path
    file = names_file()
    names = _names(file)
    if model == STARTER and model not in names:
        return _STARTER_FOLDER
    if model not in names:
        known = f"; {file} has {', '.join(sorted(names))}" if names else f" (there is no {file})"
        raise InputError(f"--model={model} is neither a folder nor the name of a model{known}")
    return (file.parent / Path(names[model]).expanduser()).absolute()


def _names(file: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(read_bounded(file, _MOST_NAMES_BYTES).decode())
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} is not a TOML file: {error}") from error
    if not all(isinstance(value, str) for value in content.values()):
        raise InputError(f'{file} must have lines such as mine = "/folder/of/a/model" alone')
    return content
