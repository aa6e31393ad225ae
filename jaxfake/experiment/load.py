"""A trained stage opened to score with, from whatever is left of its run."""

import dataclasses
from pathlib import Path

from jaxfake.config import Config
from jaxfake.experiment import build, description, locate
from jaxfake.experiment.build import DETECT, TOYFACES
from jaxfake.experiment.locate import Found
from jaxfake.experiment.restore import RestoredStage
from jaxfake.models.method import Method
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.train.compile_cache import keep_compiled_programs


@dataclasses.dataclass(frozen=True)
class OpenRun:
    """A trained stage: the detector, or stage 1 where there is none."""

    name: str  # for people
    found: Found
    config: Config
    method: Method
    stage: RestoredStage
    step_asked: int | None  # for a step of one's own choice, results have a folder of their own
    out: Path  # for results, and for what is prepared from photographs and videos


def open_run(path: Path, step: int | None, out: Path | None = None) -> OpenRun:
    """Restores a trained detector, or stage 1 where there is none, and says what it was.

    Args:
        path: of a run, or of what is left of it, see `salvage.find`.
        step: None for the selected state.
        out: for results; None for the run's folder, or `salvaged/NAME-CONFIG` where that is not at hand.

    Raises:
        InputError: there is no such run, stage or checkpoint.
    """
    found = locate.find(path, step)
    keep_compiled_programs()
    here = build.computable_here(found.config)
    method = build.detector(here) if found.stage == DETECT else build.recovery(here)
    stage = locate.restore(found, method, step)
    say(description.in_words(found, stage))
    name = path.resolve().name
    out = out or found.run or Path("salvaged") / f"{name}-{stage.noted.config[:8]}"
    return OpenRun(name, found, _confined(here, found, out), method, stage, step, out)


def own_data(run: OpenRun) -> str:
    """The dataset that the run was trained on.

    Raises:
        InputError: only a checkpoint says where it once was.
    """
    source = run.config.data.source
    if run.found.salvaged and source != TOYFACES:
        raise InputError(
            f"--data is missing: the run's own data, {source!r}, did not come with the checkpoint; "
            "name faces that are here"
        )
    return source


def _confined(config: Config, found: Found, out: Path) -> Config:
    """The config, without the paths that a checkpoint names."""
    if not found.salvaged:
        return config
    data = dataclasses.replace(config.data, root=str(out / "prepared"))
    return dataclasses.replace(config, data=data)
