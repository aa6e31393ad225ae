"""Files scored on many machines: a scorer for `job` that works by Apache Beam, one file a task.

A worker does with a file what one machine does, by the same code: a process with limits reads it, the
detector scores its faces, and the result is kept in OUT/.work. All batches have one shape, see
`scoring.BATCH`, so the result has the same bytes.
"""

import dataclasses
import functools
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jaxfake.beam import launch
from jaxfake.beam.runner import Runner
from jaxfake.beam.tasks import Common, Task
from jaxfake.data import source_json
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.faces import model_files
from jaxfake.faces.model_files import FaceModels
from jaxfake.inference import answers
from jaxfake.inference.asked_files import AskedFile
from jaxfake.inference.job import Scorer, Scoring, answer_group, pictures_folder
from jaxfake.inference.jobs.kept import KeptResults
from jaxfake.inference.model.opened_model import OpenedModel, model_path, open_model
from jaxfake.inference.reading import FrameCounts, ReadTask, TrackReader, taken
from jaxfake.inference.results import FileResult, ModelFacts
from jaxfake.inference.versions import versions
from jaxfake.runtime.worker_pool import GuardedWorker, Limits

_OPENING = threading.Lock()
"""Several workers may be threads of one process: the first opens the detector for all."""


def scorer(runner: Runner, model: str) -> Scorer:
    """Scores files in the workers of a runner.

    Args:
        model: what the detector of the job was opened by, see `open_model`.
    """
    return partial(_score, runner, model_path(model).absolute())


def _score(runner: Runner, model: Path, wanted: Scoring) -> Iterator[FileResult]:
    job, detector, kept = wanted.job, wanted.detector, wanted.kept
    absolute = KeptResults(kept.out.absolute(), kept.settings)
    pictures = pictures_folder(job)
    files = [wanted.files[number] for number in wanted.left]
    work = ScoringWork(
        model=model,
        facts=detector.model.facts,
        face_models=model_files.copy(
            model_files.obtain(detector.face_models), absolute.folder / "face_models"
        ),
        options=detector.crop_options,
        limits=job.limits,
        pictures=None if pictures is None else pictures.absolute(),
        kept=absolute,
        common=Common(versions(), _common_folder(files)),
    )
    tasks = [Task(_to_json(asked), absolute.file_of(asked)) for asked in files]
    for outcome in launch.run(tasks, work, runner, job.workers):
        asked = files[outcome.number]
        result = kept.load(asked)
        if result is None:
            result = answers.refused(asked, outcome.failure or "its result was damaged on the disk")
            kept.keep(asked, result)
        yield result


@dataclasses.dataclass(frozen=True)
class ScoringWork:
    """How a worker scores files.

    Attributes:
        model: folder of the detector.
        facts: of the detector, as the machine has it that started the job.
        pictures: folder for pictures; None to draw none.
    """

    model: Path
    facts: ModelFacts
    face_models: FaceModels
    options: CropOptions
    limits: Limits
    pictures: Path | None
    kept: KeptResults
    common: Common

    def start(self) -> "FileScorer":
        """Opens the detector, once in a process, and starts a process that reads."""
        self.common.check(versions())
        return FileScorer(self)


class FileScorer:
    """Scores one file after the other.

    Raises:
        RuntimeError: this machine has another detector at the same path.
    """

    def __init__(self, work: ScoringWork) -> None:
        with _OPENING:
            self._model = _opened(work.model)
        if self._model.facts != work.facts:
            raise RuntimeError(f"worker {socket.gethostname()} has another detector: {work.model}")
        self._work = work
        reader = partial(TrackReader, work.face_models, work.options, FrameCounts(1))
        self._reader: GuardedWorker[ReadTask] = GuardedWorker(reader, work.limits)

    def __call__(self, task: Task) -> str:
        """Keeps the result of a file. That a file cannot be read is a result too."""
        asked, kept = _from_json(task.asked), self._work.kept
        if kept.load(asked) is not None:
            return ""
        with tempfile.TemporaryDirectory(dir=kept.folder) as scratch:
            task_of_reader = ReadTask(0, asked.source, f"{scratch}/read")
            read = taken(task_of_reader, self._reader(task_of_reader))
        size, said = self._work.options.size, read.content_credentials
        tracks = answers.read_tracks(asked, read.people, size, said)
        for _, result in answer_group(self._model, [tracks], self._work.pictures):
            kept.keep(asked, result)
        return ""

    def stop(self) -> None:
        """Ends the process that reads. The detector stays, for the next bundle of files."""
        self._reader.stop()


@functools.lru_cache(maxsize=1)
def _opened(model: Path) -> OpenedModel:
    return open_model(str(model))


def _common_folder(files: list[AskedFile]) -> Path:
    return Path(os.path.commonpath([asked.source.path.absolute().parent for asked in files]))


def _to_json(asked: AskedFile) -> dict[str, Any]:
    return {"path": asked.path, "source": source_json.to_json(asked.source)}


def _from_json(fields: dict[str, Any]) -> AskedFile:
    return AskedFile(source_json.from_json(fields["source"]), fields["path"])
