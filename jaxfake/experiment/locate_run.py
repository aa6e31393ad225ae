"""Where the checkpoints of a run are: in its folder, in a folder of checkpoints, or in a single checkpoint.

When a machine dies, what was copied away by hand may be a folder of checkpoints, with unfinished saves
among them and no config. Each checkpoint says itself what it is. Here everything is only read, and
no path that a checkpoint names is followed.
"""

import dataclasses
from pathlib import Path

from jaxfake import config
from jaxfake.checkpoints.manager import is_checkpoint, read_metadata
from jaxfake.checkpoints.metadata import CheckpointMetadata
from jaxfake.config import Config, Stage
from jaxfake.experiment.build_method import stage_settings
from jaxfake.experiment.run_config import read_config, run_identity
from jaxfake.experiment.run_folder import CHECKPOINTS, CONFIG, DETECT, RECOVER, RunFolder
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import is_number
from jaxfake.runtime.progress import say


@dataclasses.dataclass(frozen=True)
class LocatedRun:
    """A stage of a run, with at least one checkpoint that can be read.

    Attributes:
        name: of the folder that was given, for people.
        checkpoints: folder of the stage's checkpoints, or of the only one.
        single: whether it is the folder of the only one.
        run: folder of the whole run, or None.
        stage: 'recover' or 'detect'.
        config: of the run; its checkpoint's own if there is no config.json.
        newest: step of the newest checkpoint that can be read, if its folder says so.
    """

    name: str
    checkpoints: Path
    single: bool
    run: RunFolder | None
    stage: str
    config: Config
    newest: int | None

    @property
    def settings(self) -> Stage:
        """How the stage is trained."""
        return stage_settings(self.config, self.stage)


@dataclasses.dataclass(frozen=True)
class _Read:
    """A checkpoint and what it says of itself."""

    checkpoint: Path
    metadata: CheckpointMetadata

    @property
    def stage(self) -> str:
        return self.metadata.identity.stage or ""


def locate(path: Path, step: int | None, stages: tuple[str, ...] = (DETECT, RECOVER)) -> LocatedRun:
    """The first of the stages that has a checkpoint.

    Args:
        path: a run's folder; or one that holds `checkpoints/STAGE/STEP`, `STAGE/STEP` or `STEP`, whatever
            it is called; or a single STEP folder, whatever it is called.
        step: whose metadata count; None for those of the newest.

    Raises:
        InputError: there is none, all are damaged, config and checkpoint do not belong together, or a link
            leads out of the folder.
    """
    if path.is_dir():
        _refuse_links_that_leave(path)
    folder = _checkpoint_folder(path, stages)
    single = is_checkpoint(folder)
    newest = _read(folder) if single else _read_newest(folder)
    asked = folder / str(step)
    read = _read(asked) if not single and asked.is_dir() else newest
    run = RunFolder(path)
    has_config = run.config.exists()
    run_config = read_config(run.config) if has_config else _own_config(read)
    _check(path, read, run_config, stages)
    return LocatedRun(
        name=path.resolve().name,
        checkpoints=folder,
        single=single,
        run=run if has_config or run.checkpoints.is_dir() else None,
        stage=read.stage,
        config=run_config,
        newest=None if single else int(newest.checkpoint.name),
    )


def _refuse_links_that_leave(path: Path) -> None:
    """What was copied from anyone is read where it is, and nowhere else."""
    run, root = RunFolder(path), path.resolve()
    stages = [parent / stage for parent in (run.checkpoints, path) for stage in (RECOVER, DETECT)]
    steps = [step for folder in (*stages, path) for step in folder.glob("[0-9]*")]
    kept = (run.config, run.training_mask, run.calibration, run.probes, run.checkpoints)
    for one in (*kept, *stages, *steps):
        if not one.resolve().is_relative_to(root):
            raise InputError(
                f"{one} is a link that leads out of {path}: copy what it leads to, or name that itself"
            )


def _checkpoint_folder(path: Path, stages: tuple[str, ...]) -> Path:
    """The folder of the checkpoints of a stage, or of one checkpoint."""
    if not path.is_dir():
        raise InputError(f"there is no folder {path}")
    if is_checkpoint(path):
        return path
    below = [path / parent / stage for parent in (CHECKPOINTS, "") for stage in stages]
    for folder in (*below, path):
        if _steps(folder):
            return folder
    if RunFolder(path).config.exists():
        raise InputError(f"{path} holds no checkpoint of {' or '.join(stages)} yet")
    raise InputError(
        f"{path} does not hold a run: there is neither a {CONFIG} nor a whole checkpoint in it, which is "
        "a folder with meta/ and state/"
    )


def _steps(folder: Path) -> list[int]:
    """From the newest to the oldest; some may be damaged."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted({int(name) for name in names if is_number(name)}, reverse=True)


def _read(folder: Path) -> _Read:
    try:
        return _Read(folder, read_metadata(folder))
    except (OSError, ValueError) as error:
        raise InputError(f"checkpoint {folder} is damaged: {error}") from error


def _read_newest(folder: Path) -> _Read:
    """The newest that can be read; a restore names those that cannot, where that matters."""
    steps, errors = _steps(folder), []
    _name_unfinished(folder, steps[0])
    for step in steps:
        try:
            return _read(folder / str(step))
        except InputError as error:
            errors.append(str(error))
    raise InputError(f"no checkpoint in {folder} is whole: {errors[0]}")


def _name_unfinished(folder: Path, newest: int) -> None:
    """Says which save was under way when the folder was copied or the machine died."""
    for path in sorted(folder.iterdir()):
        number, _, rest = path.name.partition(".")
        if rest and path.is_dir() and is_number(number) and int(number) > newest:
            say(f"passed over: {path} was not finished")


def _own_config(read: _Read) -> Config:
    """The config that a checkpoint was saved with."""
    training = read.metadata.training
    if training is None:
        raise InputError(
            f"checkpoint {read.checkpoint} is of an older version, which did not keep the config: put "
            f"the {CONFIG} of its run into a folder with {CHECKPOINTS}/{read.stage}/STEP"
        )
    try:
        return config.parse(training.config)
    except InputError as error:
        raise InputError(f"checkpoint {read.checkpoint} is of another version: {error}") from error


def _check(path: Path, read: _Read, run_config: Config, stages: tuple[str, ...]) -> None:
    """Refuses what does not belong together."""
    known = read.stage == RECOVER or (read.stage == DETECT and run_config.detect is not None)
    if read.stage not in stages or not known:
        raise InputError(
            f"checkpoint {read.checkpoint} is of the stage {read.stage!r}, not of {' or '.join(stages)}"
        )
    differs = run_identity(run_config).difference(read.metadata.identity)
    if differs is not None:
        saved = RunFolder(path).config
        raise InputError(
            f"checkpoint {read.checkpoint} is of the {differs.name} {differs.theirs[:12]}, but that of "
            f"{saved if saved.exists() else 'its metadata'} is {differs.ours[:12]}: they do not belong "
            "together"
        )
