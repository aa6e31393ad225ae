"""The same command again: whose the folder is, and from where its run goes on.

A finished run can be lengthened: with more steps than it has, a stage goes on from its last state. Every
other difference is refused by its key.
"""

import dataclasses
from pathlib import Path
from typing import Any

from jaxfake.checkpoints.manager import is_checkpoint, read_metadata
from jaxfake.config import Config, Stage, parse, results_values
from jaxfake.experiment.run_config import (
    SavedConfig,
    of_training,
    refuse_another,
    saved_config,
    write_config,
)
from jaxfake.experiment.run_folder import DETECT, RECOVER, RunFolder
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import is_number
from jaxfake.runtime.multiprocess import is_first
from jaxfake.runtime.progress import say

_OWN = "recover"


@dataclasses.dataclass(frozen=True)
class Continued:
    """A run as its folder knows it.

    Attributes:
        config: with the lengths that it had before.
        saved: what the folder says; None if it holds no run.
        lengthened: the stage that goes on now with more steps than it had, if any.
    """

    config: Config
    saved: SavedConfig | None
    lengthened: tuple[str, ...] = ()


def continued(run: Config, folder: RunFolder, finished: bool) -> Continued:
    """How this command's run goes on in the folder; nothing is changed.

    Args:
        run: as the command says it.
        folder: of the run.
        finished: whether the run in the folder is.

    Raises:
        InputError: the folder holds another run; the message names the first value that differs.
    """
    saved = saved_config(folder) or _of_newest_checkpoint(folder)
    if saved is None:
        return Continued(run, None)
    run = _with_history(run, saved)
    raised = _raised(run, saved.values)
    wanted = {f"{name}.steps": _stages(run)[name].steps for name in raised}
    refuse_another(saved.values | wanted, results_values(run), folder.path)
    if not raised:
        return Continued(run, saved)
    if not finished:
        key = f"{raised[0]}.steps"
        raise InputError(
            f"{folder.path} holds a run with {key}={saved.values[key]}, not {wanted[key]}, which is not "
            "finished: finish it with that value, and lengthen it then, or use another --workdir"
        )
    return _lengthened(run, saved, raised)


def claim(found: Continued, folder: RunFolder) -> None:
    """Makes the folder this run's: writes `config.json`, and moves away what a longer stage 1 outdates."""
    run = found.config
    for name in found.lengthened:
        say(_how(name, _stages(run)[name]))
    if RECOVER in found.lengthened and run.detect is not None:
        say("stage 2 is trained anew from the longer stage 1")
        if is_first():
            _move_away(folder.stage(DETECT).checkpoints)
    write_config(run, folder)


def _stages(run: Config) -> dict[str, Stage]:
    """The stages that this run trains."""
    stages = {RECOVER: run.recover} if run.start == _OWN else {}
    return stages | ({} if run.detect is None else {DETECT: run.detect})


def _with_stages(run: Config, stages: dict[str, Stage]) -> Config:
    return dataclasses.replace(
        run, recover=stages.get(RECOVER, run.recover), detect=stages.get(DETECT, run.detect)
    )


def _with_history(run: Config, saved: SavedConfig) -> Config:
    """The config with the lengths that the run had before, which no command says."""
    known = {
        name: dataclasses.replace(
            stage,
            lengthened_at=stage.lengthened_at
            or tuple(saved.values.get(f"{name}.lengthened_at", ())),
        )
        for name, stage in _stages(run).items()
    }
    return dataclasses.replace(_with_stages(run, known), earlier=saved.earlier)


def _raised(run: Config, values: dict[str, Any]) -> tuple[str, ...]:
    """The stages that get more steps than they had."""
    return tuple(
        name
        for name, stage in _stages(run).items()
        if stage.steps > values.get(f"{name}.steps", stage.steps)
    )


def _lengthened(run: Config, saved: SavedConfig, raised: tuple[str, ...]) -> Continued:
    """Stage 2 goes on only if stage 1 stays as it was."""
    stages = _stages(run)
    longer = raised[:1]
    if RECOVER in raised and DETECT in stages:
        stages[DETECT] = dataclasses.replace(stages[DETECT], lengthened_at=())
    for name in longer:
        before = (*stages[name].lengthened_at, saved.values[f"{name}.steps"])
        stages[name] = dataclasses.replace(stages[name], lengthened_at=before)
    history = dataclasses.replace(run, earlier=(*saved.earlier, saved.digest))
    return Continued(_with_stages(history, stages), saved, longer)


def _how(name: str, stage: Stage) -> str:
    """What becomes of a stage that is lengthened, with the learning rate over the added steps."""
    before = stage.lengthened_at[-1]
    added = stage.steps - before
    return (
        f"{name} is lengthened from {before} to {stage.steps} steps and goes on from its last state: over "
        f"the {added} steps that are added, the learning rate rises from 0 to its peak in the first "
        f"{round(stage.warmup * added)} and then falls to 0 by a half cosine, as it did before"
    )


def _move_away(checkpoints: Path) -> None:
    """Keeps the checkpoints of a stage that begins anew, in `earlier/` beside them."""
    if not checkpoints.is_dir():
        return
    earlier = checkpoints.parent / "earlier"
    earlier.mkdir(exist_ok=True)
    aside = earlier / f"{checkpoints.name}-{len(list(earlier.iterdir()))}"
    checkpoints.rename(aside)
    say(f"its checkpoints so far are kept in {aside}")


def _of_newest_checkpoint(folder: RunFolder) -> SavedConfig | None:
    """What the checkpoints say where `config.json` does not; None if there are none to read."""
    for stage in (DETECT, RECOVER):
        checkpoints = folder.stage(stage).checkpoints
        for step in _steps(checkpoints):
            try:
                training = read_metadata(checkpoints / str(step)).training
                if training is not None:
                    return of_training(parse(training.config))
            except (OSError, ValueError, InputError):
                continue
    return None


def _steps(checkpoints: Path) -> list[int]:
    """From the newest to the oldest."""
    if not checkpoints.is_dir():
        return []
    names = [path.name for path in checkpoints.iterdir() if is_checkpoint(path)]
    return sorted((int(name) for name in names if is_number(name)), reverse=True)
