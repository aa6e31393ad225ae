"""The parameters of the networks that no fake has trained, wherever a run still has them."""

import dataclasses

from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun, load_stage
from jaxfake.experiment.locate_run import locate
from jaxfake.experiment.run_folder import RECOVER, RunFolder
from jaxfake.experiment.start.initial_weights import OWN, SCRATCH, own_origin
from jaxfake.models.finetuned.tuning import IMPORTED
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError

FROZEN = "frozen"
"""Where a method keeps what it took from stage 1 and does not train."""

NO_STAGE_ONE = Undefined("the detector began with fresh parameters: there is no stage 1")


@dataclasses.dataclass(frozen=True, eq=False)
class FrozenParams:
    """The parameters, undefined with the reason where they are not at hand.

    Attributes:
        stage_one: encoder, and decoder if that is at hand.
        imported: the weights of an imported network, as they were imported; None if the config has none.
    """

    stage_one: Params | Undefined
    imported: Params | Undefined | None


def frozen_params(run: LoadedRun, folder: RunFolder | None) -> FrozenParams:
    """Those of a run that was loaded from disk: out of its checkpoint, or of its folder if it has one."""
    return FrozenParams(_stage_one(run, folder), _imported(run))


def _stage_one(run: LoadedRun, folder: RunFolder | None) -> Params | Undefined:
    if run.stage == RECOVER:
        return run.params
    frozen: Params = run.params.get(FROZEN, {})
    if "decoder" in frozen:
        return frozen
    saved = _saved_stage_one(run, folder)
    return frozen if isinstance(saved, Undefined) and "encoder" in frozen else saved


def _saved_stage_one(run: LoadedRun, folder: RunFolder | None) -> Params | Undefined:
    if run.config.start == SCRATCH:
        return NO_STAGE_ONE
    if run.config.start != OWN or folder is None:
        return Undefined("stage 1 is not at hand: the detector did not keep it")
    try:
        located = locate(folder.path, None, (RECOVER,))
        stage = load_stage(located, run.config, build_method.recovery(run.config), None)
    except InputError as error:
        return Undefined(f"stage 1 is not at hand: {error}")
    began = (run.metadata.identity.start or "").partition(";")[0]
    if began != (here := own_origin(stage.step)):
        return Undefined(f"the detector began with {began}, and the folder has {here}")
    return stage.params


def _imported(run: LoadedRun) -> Params | Undefined | None:
    """The imported network as it was imported, if the detector still has all of it."""
    if run.config.finetuned is None or run.stage == RECOVER:
        return None
    if run.config.finetuned.tuning == "lora":
        return run.params[IMPORTED]
    return Undefined("the imported network was finetuned: its weights are not those that came in")
