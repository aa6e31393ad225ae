"""The work of `python -m jaxfake.detect`: many files, read ahead by other processes, scored in batches.

What is said of each file is kept until all are done, see `jobs.kept`.
"""

import dataclasses
import hashlib
import json
import queue
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxfake.data.layouts.own_files.numbered import Numbered
from jaxfake.evaluation.evidence.calibration.strength import ERROR
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.faces import model_files
from jaxfake.inference import answers, credentials, record, results, signature
from jaxfake.inference.answers import ReadTracks
from jaxfake.inference.asked_files import AskedFile, list_files
from jaxfake.inference.detector import Detector
from jaxfake.inference.job_progress import JobProgress
from jaxfake.inference.jobs.kept import KeptResults
from jaxfake.inference.model.opened_model import OpenedModel
from jaxfake.inference.reading import Ahead, FrameCounts, ReadFile, ReadTask, read_files
from jaxfake.inference.report import annotated
from jaxfake.inference.report.annotated import AnnotationTask
from jaxfake.inference.report.page import write_page
from jaxfake.inference.results import FileResult, Results, Runtime
from jaxfake.inference.scoring import ScoredTrack, score_tracks
from jaxfake.inference.versions import versions
from jaxfake.runtime import worker_pool
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.lease import holding
from jaxfake.runtime.preemption import stopped_by_signals
from jaxfake.runtime.progress import Progress, say
from jaxfake.runtime.worker_pool import DEFAULT_LIMITS, Limits

LEASE = ".lease"
RESULTS, PAGE = "results.json", "report.html"

_POLL_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
class DetectionJob:
    """What a person asks.

    Attributes:
        named: files and folders.
        out: folder of results.
        workers: processes that read files.
        limits: of reading each file.
        numbering: what pictures with numbers for names are; None to go by the names.
        progress_file: is told how far the job is; None for none.
        pictures: whether pictures of faces are drawn.
        record: whether a record is written that can be checked, see `record`.
        sign_key: file of the key that signs it; None for no signature.
        annotate: whether a copy of each video is written with its faces marked.
    """

    named: tuple[Path, ...]
    out: Path
    workers: int = 1
    limits: Limits = DEFAULT_LIMITS
    numbering: Numbered | None = None
    progress_file: Path | None = None
    pictures: bool = True
    record: bool = False
    sign_key: Path | None = None
    annotate: bool = False


@dataclasses.dataclass(frozen=True)
class Scoring:
    """What a `Scorer` is given.

    Attributes:
        files: of the job.
        left: numbers of the files to score.
        kept: takes their results.
    """

    job: DetectionJob
    detector: Detector
    files: list[AskedFile]
    left: list[int]
    kept: KeptResults
    progress: JobProgress


type Scorer = Callable[[Scoring], Iterator[FileResult]]
"""Scores files: `score_here` on this machine, `jobs.by_beam.scorer` on many. Yields each result once it is
kept, in any order."""


@dataclasses.dataclass(frozen=True)
class ScoredFiles:
    """The files of a job, all of which have a result."""

    files: list[AskedFile]
    runtime: Runtime
    kept: KeptResults

    def results(self) -> Iterator[FileResult]:
        """Their results, in the order of the files.

        Raises:
            InputError: somebody has deleted one meanwhile.
        """
        for asked in self.files:
            found = self.kept.load(asked)
            if found is None:
                raise InputError(f"{self.kept.file_of(asked)} is gone: run the same command again")
            yield found


def run_job(job: DetectionJob, detector: Detector) -> Results:
    """Scores all files and writes results, pictures and page.

    Raises:
        InputError: a file does not exist, or the folder of results cannot be used.
        Preempted: a signal asked to stop; what was finished is kept.
    """
    return run_job_by(score_here, job, detector)


def run_job_by(scorer: Scorer, job: DetectionJob, detector: Detector) -> Results:
    """The same with another scorer."""
    with scored_files(scorer, job, detector, _earlier) as scored:
        in_order = tuple(scored.results())
        if job.annotate:
            in_order = _annotated(job, scored.files, in_order)
        whole = Results(detector.model.facts, scored.runtime, in_order)
        _write(job, whole)
    return whole


def _annotated(
    job: DetectionJob, files: list[AskedFile], found: tuple[FileResult, ...]
) -> tuple[FileResult, ...]:
    """The results with the paths of marked videos, those that could be made."""
    names = [
        f"{annotated.FOLDER}/{one.file.sha256}.mp4"
        if one.tracks and one.file.kind == "video"
        else None
        for one in found
    ]
    tasks = [
        AnnotationTask(asked.source.path, one, job.out / name)
        for asked, one, name in zip(files, found, names, strict=True)
        if name and not (job.out / name).exists()
    ]
    with Progress("marking", len(tasks), "videos", brief=True) as progress:
        for outcome in worker_pool.run(tasks, annotated.start, job.workers, job.limits):
            if outcome.failure:
                say(f"not marked: {tasks[outcome.number].source}: {outcome.failure}")
            progress.advance(1)
    return tuple(
        dataclasses.replace(one, annotated=name if name and (job.out / name).exists() else None)
        for one, name in zip(found, names, strict=True)
    )


def _write(job: DetectionJob, whole: Results) -> None:
    """Results, page and, if that is asked for, the record of both."""
    written = job.out / RESULTS, job.out / PAGE
    results.write(written[0], whole)
    write_page(written[1], whole, job.out)
    for old in (record.FILE, signature.FILE):  # of an earlier job, whose results are replaced
        (job.out / old).unlink(missing_ok=True)
    if job.record:
        made = record.write_record(job.out, whole, written)
        say(f"record: {job.out / record.FILE}, whose last link is {made.last}")
        if job.sign_key is not None:
            signature.sign(job.out, made, job.sign_key)


@contextmanager
def scored_files(
    scorer: Scorer,
    job: DetectionJob,
    detector: Detector,
    earlier: Callable[[KeptResults], Iterator[FileResult]],
) -> Iterator[ScoredFiles]:
    """Scores all files, for results to be written of them; then deletes what was kept.

    Args:
        earlier: the results of a finished job with the same settings.

    Raises:
        InputError, Preempted: see `run_job`.
    """
    files = list_files(job.named, job.numbering, job.out)
    runtime = runtime_of(detector, job)
    kept = KeptResults(job.out, runtime.settings_sha256)
    with holding(job.out / LEASE, "a detection"), stopped_by_signals(kept.count, len(files)):
        kept.folder.mkdir(exist_ok=True)
        _clear_half_read(kept.folder)
        kept.take_over(files, earlier(kept))
        done = kept.unchanged(files)
        with JobProgress(job.progress_file, len(files), len(done)) as progress:
            left = [number for number in range(len(files)) if number not in done]
            for result in _scored(scorer, Scoring(job, detector, files, left, kept, progress)):
                progress.finished(result)
            progress.writing()
            yield ScoredFiles(files, runtime, kept)
        shutil.rmtree(kept.folder)


def _scored(scorer: Scorer, asked_for: Scoring) -> Iterator[FileResult]:
    to_score = []
    for number in asked_for.left:
        asked = asked_for.files[number]
        if asked.refusal:
            result = answers.refused(asked, asked.refusal)
            asked_for.kept.keep(asked, result)
            yield result
        else:
            to_score.append(number)
    if to_score:
        yield from scorer(dataclasses.replace(asked_for, left=to_score))


def score_here(asked_for: Scoring) -> Iterator[FileResult]:
    """Scores files on this machine, in batches over all that were read."""
    job, detector, progress = asked_for.job, asked_for.detector, asked_for.progress
    files, folder = asked_for.files, asked_for.kept.folder
    tasks = [
        ReadTask(number, files[number].source, str(folder / f"{number:07}"))
        for number in asked_for.left
    ]
    counts = FrameCounts(len(files))
    progress.watch(counts, files[tasks[0].number])
    models = model_files.obtain(detector.face_models)
    reading = read_files(tasks, models, detector.crop_options, job.workers, job.limits, counts)
    with Ahead(reading, job.workers) as ahead:
        for group in _groups(ahead, detector, files, progress):
            progress.scoring(group[0].asked)
            for tracks, result in answer_group(detector.model, group, pictures_folder(job)):
                asked_for.kept.keep(tracks.asked, result)
                yield result


def pictures_folder(job: DetectionJob) -> Path | None:
    """Where the pictures of a job go; None if none are drawn."""
    return job.out if job.pictures else None


def _groups(
    ahead: Ahead[ReadFile], detector: Detector, files: list[AskedFile], progress: JobProgress
) -> Iterator[list[ReadTracks]]:
    """The files as they are read, as many together as are at hand, until they fill a batch."""
    size, full = detector.model.config.data.size, detector.model.scoring.batch_size
    group: list[ReadTracks] = []
    faces = 0
    while True:
        try:
            read = ahead.take(0 if group else _POLL_SECONDS)
        except queue.Empty:
            progress.reading()
        except StopIteration:
            break
        else:
            said = read.content_credentials
            tracks = answers.read_tracks(files[read.number], read.people, size, said)
            group.append(tracks)
            faces += sum(map(len, tracks.faces))
            if faces < full:
                continue
        if group:
            yield group
            group, faces = [], 0
    if group:
        yield group


def answer_group(
    model: OpenedModel, group: list[ReadTracks], out: Path | None
) -> Iterator[tuple[ReadTracks, FileResult]]:
    """Scores some files together, and says what is said of each.

    Args:
        out: folder for pictures; None to draw none.
    """
    faces = [one for tracks in group for one in tracks.faces]
    try:
        scored = score_tracks(model, faces, answers.MOST_SHOWN)
    except ValueError:
        yield from _one_by_one(model, group, out)
        return
    for tracks in group:
        own, scored = scored[: len(tracks.faces)], scored[len(tracks.faces) :]
        yield tracks, answers.answer(model, tracks, own, out)


def _one_by_one(
    model: OpenedModel, group: list[ReadTracks], out: Path | None
) -> Iterator[tuple[ReadTracks, FileResult]]:
    """The same where a score is not finite: that file alone is refused."""
    for tracks in group:
        scored: list[ScoredTrack] = []
        try:
            scored = score_tracks(model, tracks.faces, answers.MOST_SHOWN)
        except ValueError as error:
            yield tracks, answers.refused(tracks.asked, f"the detector fails on it: {error}")
        else:
            yield tracks, answers.answer(model, tracks, scored, out)


def runtime_of(detector: Detector, job: DetectionJob) -> Runtime:
    """How the files of a job are scored."""
    model = detector.model
    options: dict[str, Any] = {
        "frames": detector.frames,
        "crop_size": model.config.data.size,
        "aggregation": model.config.evaluation.aggregation,
        "error": ERROR,
        "numbered": job.numbering or "by names",
        "content_credentials": "read" if credentials.are_read() else "not looked for",
        "pictures": job.pictures,
    }
    found = versions()
    said = [dataclasses.asdict(model.facts), options, found]
    return Runtime(
        calibrated=not isinstance(model.calibration, Undefined),
        degraded=model.degraded,
        versions=found,
        options=options,
        settings_sha256=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
    )


def _earlier(kept: KeptResults) -> Iterator[FileResult]:
    """The results of a finished job in the same folder with the same settings."""
    try:
        found = results.read(kept.out / RESULTS)
    except (FileNotFoundError, InputError):
        return
    if found.runtime.settings_sha256 == kept.settings:
        yield from found.files


def _clear_half_read(work: Path) -> None:
    for left in (*work.glob("*.npz"), *work.glob("*.credentials.json"), *work.glob(".*.*")):
        left.unlink(missing_ok=True)
