"""Crops on many machines: an engine for `crop_sources` that works by Apache Beam.

Beam makes the crops, which takes most of the time, and TFDS's builder then writes the dataset on this
machine as usual. TFDS could let Beam do that too, but not with the same bytes (tried with 4.9.10): if a
builder chooses its own shards, as ours does, the lengths are sorted as text, so that the third of twelve
shards is said to hold what the eleventh holds, and an extra file is left beside them; if it does not,
shards are made by the value of a hash or an integer key, after a shuffle of all examples.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jaxfake.beam import launch
from jaxfake.beam.runner import Runner
from jaxfake.beam.tasks import Common, Task
from jaxfake.data import source_json
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.crop_sources import Engine
from jaxfake.data.preparation.cropping import Cropper, CropTask
from jaxfake.data.preparation.versions import versions
from jaxfake.runtime.worker_pool import GuardedWorker, Limits, Outcome


def engine(runner: Runner) -> Engine:
    """What does with a runner of Beam what `worker_pool.run` does on this machine."""
    return partial(_run, runner)


def _run(
    runner: Runner,
    tasks: list[CropTask],
    prepare: Callable[[], Cropper],
    processes: int,
    limits: Limits,
) -> Iterator[Outcome]:
    if not tasks:
        return
    folder = os.path.commonpath([task.source.path.absolute().parent for task in tasks])
    work = CropWork(prepare, limits, Common(versions(), Path(folder)))
    yield from launch.run([_to_beam(task) for task in tasks], work, runner, processes)


@dataclass(frozen=True)
class CropWork:
    """Crops files in a process of our own, with one Cropper for all of them."""

    prepare: Callable[[], Cropper]
    limits: Limits
    common: Common

    def start(self) -> "_CropWorker":
        """Starts that process."""
        self.common.check(versions())
        return _CropWorker(GuardedWorker(self.prepare, self.limits))


class _CropWorker:
    def __init__(self, process: GuardedWorker[CropTask]) -> None:
        self._process = process

    def __call__(self, task: Task) -> str:
        if crop_files.load_status(task.finished) is not None:
            return ""
        return self._process(_from_beam(task))

    def stop(self) -> None:
        self._process.stop()


def _to_beam(task: CropTask) -> Task:
    return Task(source_json.to_json(task.source), Path(task.crop_file).absolute())


def _from_beam(task: Task) -> CropTask:
    return CropTask(source_json.from_json(task.asked), str(task.finished))
