"""The work of `python -m jaxfake.detect`: many files, read ahead by other processes, scored in batches.

What is said of each file is kept in OUT/.work until all are done, so a job that was stopped goes on with
the files that are left when the same command is given again. Results of an earlier job in the same folder
are used again where the file, the detector, the versions and the options are the same.
"""

import dataclasses
import hashlib
import json
import queue
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxfake.data.layouts.own_files.numbered import Numbered
from jaxfake.data.preparation import source_content
from jaxfake.evaluation.evidence.calibration.strength import ERROR
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.faces import model_files
from jaxfake.inference import answers, credentials, record, results, signature
from jaxfake.inference.answers import ReadTracks
from jaxfake.inference.asked_files import AskedFile, list_files
from jaxfake.inference.detector import Detector
from jaxfake.inference.job_progress import JobProgress
from jaxfake.inference.model.opened_model import OpenedModel
from jaxfake.inference.reading import Ahead, FrameCounts, ReadFile, ReadTask, read_files
from jaxfake.inference.report import annotated
from jaxfake.inference.report.annotated import AnnotationTask
from jaxfake.inference.report.page import write_page
from jaxfake.inference.results import FileResult, Results, Runtime
from jaxfake.inference.scoring import ScoredTrack, score_tracks
from jaxfake.inference.versions import versions
from jaxfake.runtime import worker_pool
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.files import read_json, write_atomically
from jaxfake.runtime.lease import holding
from jaxfake.runtime.preemption import SIGNALS, preemption
from jaxfake.runtime.progress import Progress, say
from jaxfake.runtime.typed_values import build
from jaxfake.runtime.worker_pool import DEFAULT_LIMITS, Limits

WORK, LEASE = ".work", ".lease"
RESULTS, PAGE = "results.json", "report.html"

_POLL_SECONDS = 0.25
_MOST_RECORD_BYTES = 1 << 26
_RECORD_SUFFIX = ".result.json"


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
    record: bool = False
    sign_key: Path | None = None
    annotate: bool = False


def run_job(job: DetectionJob, detector: Detector) -> Results:
    """Scores all files and writes results, pictures and page.

    Raises:
        InputError: a file does not exist, or the folder of results cannot be used.
        Preempted: a signal asked to stop; what was finished is kept.
    """
    files = list_files(job.named, job.numbering)
    runtime = _runtime(detector, job)
    work = job.out / WORK
    with holding(job.out / LEASE, "a detection"), _stopped_by_signals(work, len(files)):
        work.mkdir(exist_ok=True)
        _clear_half_read(work)
        found = _kept(job.out, files, runtime.settings_sha256)
        with JobProgress(job.progress_file, len(files), len(found)) as progress:
            for number, result in _scored(job, detector, files, found.keys(), progress):
                found[number] = result
                _keep(work, files[number], result, runtime.settings_sha256)
                progress.finished(result)
            progress.writing()
            in_order = tuple(found[at] for at in range(len(files)))
            if job.annotate:
                in_order = _annotated(job, files, in_order)
            whole = Results(detector.model.facts, runtime, in_order)
            _write(job, whole)
        shutil.rmtree(work)
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


def _scored(
    job: DetectionJob,
    detector: Detector,
    files: list[AskedFile],
    done: Any,
    progress: JobProgress,
) -> Iterator[tuple[int, FileResult]]:
    """The results of the files that are not done, in the order in which they come."""
    tasks = []
    for number, asked in enumerate(files):
        if number in done:
            continue
        if asked.refusal:
            yield number, answers.refused(asked, asked.refusal)
        else:
            stem = str(job.out / WORK / f"{number:07}")
            tasks.append(ReadTask(number, asked.source, stem))
    if not tasks:
        return
    counts = FrameCounts(len(files))
    progress.watch(counts, files[tasks[0].number])
    models, workers = model_files.obtain(detector.face_models), min(job.workers, len(tasks))
    reading = read_files(tasks, models, detector.crop_options, workers, job.limits, counts)
    with Ahead(reading, workers) as ahead:
        for group in _groups(ahead, detector, files, progress):
            progress.scoring(files[group[0][0]])
            yield from _answers(detector.model, group, job.out)


def _groups(
    ahead: Ahead[ReadFile], detector: Detector, files: list[AskedFile], progress: JobProgress
) -> Iterator[list[tuple[int, ReadTracks]]]:
    """The files as they are read, as many together as are at hand, until they fill a batch."""
    size, full = detector.model.config.data.size, detector.model.scoring.batch_size
    group: list[tuple[int, ReadTracks]] = []
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
            group.append((read.number, tracks))
            faces += sum(map(len, tracks.faces))
            if faces < full:
                continue
        if group:
            yield group
            group, faces = [], 0
    if group:
        yield group


def _answers(
    model: OpenedModel, group: list[tuple[int, ReadTracks]], out: Path
) -> Iterator[tuple[int, FileResult]]:
    faces = [one for _, tracks in group for one in tracks.faces]
    try:
        scored = score_tracks(model, faces, answers.MOST_SHOWN)
    except ValueError:
        yield from _one_by_one(model, group, out)
        return
    for number, tracks in group:
        own, scored = scored[: len(tracks.faces)], scored[len(tracks.faces) :]
        yield number, answers.answer(model, tracks, own, out)


def _one_by_one(
    model: OpenedModel, group: list[tuple[int, ReadTracks]], out: Path
) -> Iterator[tuple[int, FileResult]]:
    """The same where a score is not finite: that file alone is refused."""
    for number, tracks in group:
        scored: list[ScoredTrack] = []
        try:
            scored = score_tracks(model, tracks.faces, answers.MOST_SHOWN)
        except ValueError as error:
            yield number, answers.refused(tracks.asked, f"the detector fails on it: {error}")
        else:
            yield number, answers.answer(model, tracks, scored, out)


def _runtime(detector: Detector, job: DetectionJob) -> Runtime:
    model = detector.model
    options: dict[str, Any] = {
        "frames": detector.frames,
        "crop_size": model.config.data.size,
        "aggregation": model.config.evaluation.aggregation,
        "error": ERROR,
        "numbered": job.numbering or "by names",
        "content_credentials": "read" if credentials.are_read() else "not looked for",
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


def _kept(out: Path, files: list[AskedFile], settings: str) -> dict[int, FileResult]:
    """What is known from before of files that are the same now, with the same settings, by number."""
    earlier = _earlier(out, settings)
    candidates = []
    for number, asked in enumerate(files):
        known = earlier.get(asked.path) or _record(out / WORK, asked, settings)
        if known is not None and known.status != "refused" and _pictures_are_there(out, known):
            candidates.append((number, known))
    digests = source_content.digests([files[number].source for number, _ in candidates], 1)
    return {
        number: known
        for (number, known), digest in zip(candidates, digests, strict=True)
        if known.file.sha256 == source_content.own_digest(digest)
    }


def _earlier(out: Path, settings: str) -> dict[str, FileResult]:
    """The results of a finished job in the same folder, by path."""
    try:
        found = results.read(out / RESULTS)
    except (FileNotFoundError, InputError):
        return {}
    if found.runtime.settings_sha256 != settings:
        return {}
    return {one.file.path: one for one in found.files}


def _pictures_are_there(out: Path, known: FileResult) -> bool:
    frames = (frame for track in known.tracks for frame in track.frames)
    named = (path for one in frames for path in (one.thumbnail, one.strip, one.heat) if path)
    return all((out / path).is_file() for path in named)


def _record_file(work: Path, asked: AskedFile) -> Path:
    name = hashlib.sha256(asked.path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return work / f"{name}{_RECORD_SUFFIX}"


def _keep(work: Path, asked: AskedFile, result: FileResult, settings: str) -> None:
    content = {"settings": settings, "result": dataclasses.asdict(result)}
    write_atomically(_record_file(work, asked), json.dumps(content, allow_nan=False))


def _record(work: Path, asked: AskedFile, settings: str) -> FileResult | None:
    """What an unfinished job has kept of a file; None if there is nothing that can be used."""
    try:
        content = read_json(_record_file(work, asked), _MOST_RECORD_BYTES)
        if content["settings"] != settings:
            return None
        found: FileResult = build(FileResult, content["result"], "result")
    except (FileNotFoundError, InputError, KeyError, TypeError):
        return None
    return found


def _clear_half_read(work: Path) -> None:
    for left in (*work.glob("*.npz"), *work.glob("*.credentials.json"), *work.glob(".*.*")):
        left.unlink(missing_ok=True)


@contextmanager
def _stopped_by_signals(work: Path, files: int) -> Iterator[None]:
    """A signal that asks to stop interrupts the work at any instant; finished files are kept.

    Raises:
        Preempted: a signal came.
    """
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, signal.default_int_handler) for number in heard]
    try:
        with preemption.protecting():
            try:
                yield
            except KeyboardInterrupt as stop:
                preemption.wait_until_heard()
                done = len(list(work.glob(f"*{_RECORD_SUFFIX}")))
                raise Preempted(
                    f"stopped; {done} of {files} files are kept, run the same again"
                ) from stop
    finally:
        for number, handler in zip(heard, before, strict=True):
            signal.signal(number, handler)
