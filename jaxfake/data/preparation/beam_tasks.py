"""The input of an Apache Beam pipeline: its job, and its tasks as lines of a file in OUT/.work."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation.cropping import Cropper, CropTask
from jaxfake.faces.clip import Clip
from jaxfake.runtime.worker_pool import Limits


@dataclasses.dataclass(frozen=True)
class BeamJob:
    """Everything that a pipeline is made from. Picklable."""

    tasks: Path  # file of tasks, one on each line, see `to_line`; all paths are absolute
    prepare: Callable[[], Cropper]
    limits: Limits
    source: Path  # folder that holds all source files
    runner: str
    options: list[str]  # as on a command line


def failure_file(task: CropTask) -> Path:
    """The file in which a worker says why a task failed.

    It is not the crop file, so that the next preparation tries the task again, as on one machine.
    """
    return Path(task.crop_file).with_suffix(".failure")


def to_line(task: CropTask) -> str:
    """A task as one line of ASCII. JSON and not pickle: nothing in a shared folder is run as code."""
    fields = dataclasses.asdict(task.source)
    return json.dumps({**fields, "crop_file": task.crop_file}, default=str)


def from_line(line: str) -> CropTask:
    """The task of a line."""
    fields = json.loads(line)
    crop_file = fields.pop("crop_file")
    paths = {name: _path(fields[name]) for name in ("path", "mask", "original", "frames")}
    return CropTask(SourceFile(**(fields | paths | {"linked": tuple(fields["linked"])})), crop_file)


def with_absolute_paths(task: CropTask) -> CropTask:
    """The same task for a process with another working folder."""
    source = task.source
    absolute = dataclasses.replace(
        source,
        path=source.path.absolute(),
        mask=source.mask and _absolute(source.mask),
        original=source.original and _absolute(source.original),
        frames=tuple(path.absolute() for path in source.frames),
    )
    return CropTask(absolute, str(Path(task.crop_file).absolute()))


def _path(field: str | list[str] | None) -> Clip | None:
    """One path, several, or none, as they stand in a line."""
    if isinstance(field, list):
        return tuple(map(Path, field))
    return None if field is None else Path(field)


def _absolute(clip: Clip) -> Clip:
    if isinstance(clip, tuple):
        return tuple(path.absolute() for path in clip)
    return clip.absolute()
