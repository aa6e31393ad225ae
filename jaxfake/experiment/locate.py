"""What is left of a trained run: its folder, a folder of checkpoints, or a single checkpoint.

A machine dies, and all that was copied away by hand is a folder of checkpoints, with unfinished saves
among them and no config. Each checkpoint says itself what it is. Here everything is only read, and
no path that a checkpoint names is followed.
"""

import dataclasses
import json
from pathlib import Path

from jaxfake import config
from jaxfake.checkpoints.manager import is_checkpoint, read_notes
from jaxfake.checkpoints.metadata import Noted, noted
from jaxfake.config import Config, Stage, fingerprint
from jaxfake.experiment.build import DETECT, RECOVER
from jaxfake.experiment.restore import RestoredStage, restore_single, restore_stage
from jaxfake.models.method import Method
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import is_number
from jaxfake.runtime.progress import say

_CHECKPOINTS, _CONFIG = "checkpoints", "config.json"


@dataclasses.dataclass(frozen=True)
class Found:
    """A stage of a run, with at least one checkpoint that can be read.

    Attributes:
        folder: of the stage's checkpoints, or of the only one.
        single: whether it is of the only one.
        run: folder of the whole run, or None.
        stage: 'recover' or 'detect'.
        config: of the run.
        salvaged: whether the config is what the checkpoint says, since no config.json was there.
        newest: step of the newest checkpoint that can be read, if its folder says so.
    """

    folder: Path
    single: bool
    run: Path | None
    stage: str
    config: Config
    salvaged: bool
    newest: int | None

    @property
    def settings(self) -> Stage:
        """Of the stage."""
        settings = self.config.detect if self.stage == DETECT else self.config.recover
        assert settings is not None
        return settings


@dataclasses.dataclass(frozen=True)
class _Read:
    """Notes, and the checkpoint that they are of."""

    checkpoint: Path
    noted: Noted


def find(path: Path, step: int | None, stages: tuple[str, ...] = (DETECT, RECOVER)) -> Found:
    """The first of the stages that has a checkpoint.

    Args:
        path: a run's folder; or one that holds `checkpoints/STAGE/STEP`, `STAGE/STEP` or `STEP`, whatever
            it is called; or a single STEP folder, whatever it is called.
        step: whose notes count; None for those of the newest.

    Raises:
        InputError: there is none, all are damaged, or config and checkpoint do not belong together.
    """
    folder = _folder(path, stages)
    single = is_checkpoint(folder)
    newest = _read(folder) if single else _read_newest(folder)
    asked = folder / str(step)
    read = _read(asked) if not single and asked.is_dir() else newest
    salvaged = not (path / _CONFIG).exists()
    run_config = _noted_config(read) if salvaged else read_config(path)
    _check(path, read, run_config, stages)
    return Found(
        folder=folder,
        single=single,
        run=path if not salvaged or (path / _CHECKPOINTS).is_dir() else None,
        stage=read.noted.stage,
        config=run_config,
        salvaged=salvaged,
        newest=None if single else int(newest.checkpoint.name),
    )


def restore(found: Found, method: Method, step: int | None) -> RestoredStage:
    """The state of one step; None for the selected one, or the newest where nothing was selected.

    Raises:
        InputError: there is no such checkpoint, or it is damaged or of another run.
    """
    from_folder = restore_single if found.single else restore_stage
    stage = from_folder(found.folder, method, found.settings, found.config, step)
    if (stage.noted.stage, stage.noted.config) != (found.stage, fingerprint(found.config)):
        raise InputError(
            f"{found.folder} holds checkpoints of several runs: name one of them with --step, or its "
            "own folder"
        )
    return stage


def read_config(folder: Path) -> Config:
    """The config of a run, from its folder.

    Raises:
        InputError: there is no run, or it was made by a version with other keys.
    """
    path = folder / _CONFIG
    try:
        return config.parse(json.loads(path.read_text())["config"])
    except FileNotFoundError:
        raise InputError(f"{folder} holds no run: there is no {_CONFIG} in it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error


def _folder(path: Path, stages: tuple[str, ...]) -> Path:
    """Of the checkpoints of a stage, or of one checkpoint."""
    if not path.is_dir():
        raise InputError(f"there is no folder {path}")
    if is_checkpoint(path):
        return path
    below = [path / parent / stage for parent in (_CHECKPOINTS, "") for stage in stages]
    for folder in (*below, path):
        if _steps(folder):
            return folder
    if (path / _CONFIG).exists():
        raise InputError(f"{path} holds no checkpoint of {' or '.join(stages)} yet")
    raise InputError(
        f"{path} holds no run: there is neither a {_CONFIG} nor a whole checkpoint in it, which is a "
        "folder with meta/ and state/"
    )


def _steps(folder: Path) -> list[int]:
    """From the newest to the oldest; some may be damaged."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted({int(name) for name in names if is_number(name)}, reverse=True)


def _read(folder: Path) -> _Read:
    try:
        return _Read(folder, noted(read_notes(folder)))
    except (OSError, ValueError) as error:
        raise InputError(f"checkpoint {folder} is damaged: {error}") from error


def _read_newest(folder: Path) -> _Read:
    """Of the newest that can be read; a restore names those that cannot, where that matters."""
    steps, errors = _steps(folder), []
    _name_unfinished(folder, steps[0])
    for step in steps:
        try:
            return _read(folder / str(step))
        except InputError as error:
            errors.append(str(error))
    raise InputError(f"{folder} has no checkpoint that is whole: {errors[0]}")


def _name_unfinished(folder: Path, newest: int) -> None:
    """Says which save was under way when the folder was copied or the machine died."""
    for path in sorted(folder.iterdir()):
        number, _, rest = path.name.partition(".")
        if rest and path.is_dir() and is_number(number) and int(number) > newest:
            say(f"passed over: {path} was not finished")


def _noted_config(read: _Read) -> Config:
    record = read.noted.record
    if record is None:
        raise InputError(
            f"checkpoint {read.checkpoint} is of an older version, which did not keep the config: put "
            f"the {_CONFIG} of its run into a folder with checkpoints/{read.noted.stage}/STEP"
        )
    try:
        return config.parse(record.config)
    except InputError as error:
        raise InputError(f"checkpoint {read.checkpoint} is of another version: {error}") from error


def _check(path: Path, read: _Read, run_config: Config, stages: tuple[str, ...]) -> None:
    """Refuses what does not belong together."""
    stage = read.noted.stage
    known = stage == RECOVER or (stage == DETECT and run_config.detect is not None)
    if stage not in stages or not known:
        raise InputError(
            f"checkpoint {read.checkpoint} is of the stage {stage!r}, not of {' or '.join(stages)}"
        )
    here, there = fingerprint(run_config), read.noted.config
    if here != there:
        raise InputError(
            f"checkpoint {read.checkpoint} is of the config {there[:12]}, but that of "
            f"{path / _CONFIG if (path / _CONFIG).exists() else 'its notes'} is {here[:12]}: they do "
            "not belong together"
        )
