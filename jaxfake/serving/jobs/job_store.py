"""The jobs on disk: whatever was finished before a kill is there after it.

    FOLDER/jobs/ID/job.json      what is known of the job, replaced in one step
    FOLDER/jobs/ID/results.json  of the detector, once the job is done
    FOLDER/jobs/ID/report.html
    FOLDER/jobs/ID/work/         the file and everything made of it, until the job ends
    FOLDER/incoming/             what is being received

`job.json` says that a job is done only after its results lie beside it.
"""

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, set_aside, write_atomically
from jaxfake.runtime.progress import say
from jaxfake.runtime.typed_values import build
from jaxfake.serving.jobs.job import UNFINISHED, Job, is_job_id

RESULTS, REPORT = "results.json", "report.html"
UPLOAD = "upload"
"""Name of every uploaded file in its own folder: what a file is, its content says."""

_MOST_JOB_BYTES = 1 << 16


class JobStore:
    """All jobs, in memory and on disk. It is used from one thread only.

    Args:
        folder: of the server; made if it does not exist.
        kept: jobs that have ended; of whoever has most of them, the oldest make room for new ones.
    """

    def __init__(self, folder: Path, kept: int) -> None:
        self._jobs_folder, self.incoming = folder / "jobs", folder / "incoming"
        self._kept = kept
        shutil.rmtree(
            self.incoming, ignore_errors=True
        )  # whoever was sending has lost the connection
        for made in (self._jobs_folder, self.incoming):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._jobs: dict[str, Job] = {}
        for job in sorted(self._read_all(), key=lambda job: job.created):
            self._jobs[job.id] = job
            if job.state not in UNFINISHED:
                self._remove_work(job.id)

    def add(self, job: Job, received: Path | None) -> None:
        """Adds a job, and takes over its received file if it is to be scored."""
        self.work_folder(job.id).mkdir(parents=True)
        if received is not None:
            received.rename(self.upload(job.id))
        self.save(job)

    def save(self, job: Job) -> None:
        """Replaces what is known of a job. Once it has ended, nothing is left of the uploaded file."""
        content = json.dumps(dataclasses.asdict(job), ensure_ascii=False, indent=1)
        write_atomically(self.folder(job.id) / "job.json", content)
        self._jobs[job.id] = job
        if job.state not in UNFINISHED:
            self._remove_work(job.id)
            self._make_room()

    def remember(self, job: Job) -> None:
        """Replaces what is known of a job until the server ends; it is for a disk that refuses a file."""
        self._jobs[job.id] = job

    def publish(self, identity: str, results: Path, report: Path) -> None:
        """Puts the detector's two files in their place, before the job is saved as done."""
        results.replace(self.folder(identity) / RESULTS)
        report.replace(self.folder(identity) / REPORT)

    def get(self, identity: str) -> Job | None:
        """The job of that id; None if there is none."""
        return self._jobs.get(identity)

    def delete(self, identity: str) -> None:
        """Removes a job and its files."""
        del self._jobs[identity]
        shutil.rmtree(self.folder(identity), ignore_errors=True)

    def of(self, client: str) -> list[Job]:
        """A person's jobs, the newest first."""
        return [job for job in reversed(self._jobs.values()) if job.client == client]

    def unfinished(self) -> list[Job]:
        """Jobs that wait or run, the oldest first."""
        return [job for job in self._jobs.values() if job.state in UNFINISHED]

    def folder(self, identity: str) -> Path:
        """The folder of a job."""
        return self._jobs_folder / identity

    def work_folder(self, identity: str) -> Path:
        """The folder in which a job's file is scored."""
        return self.folder(identity) / "work"

    def upload(self, identity: str) -> Path:
        """The uploaded file of a job that has not ended."""
        return self.work_folder(identity) / UPLOAD

    def _read_all(self) -> Iterable[Job]:
        for folder in sorted(self._jobs_folder.iterdir()):
            if not is_job_id(folder.name) or folder.is_symlink() or not folder.is_dir():
                continue
            try:
                job: Job = build(Job, read_json(folder / "job.json", _MOST_JOB_BYTES), "job")
                if job.id != folder.name:
                    raise InputError(f"{folder / 'job.json'} is of another job")
                yield job
            except FileNotFoundError:  # killed before the job was there
                shutil.rmtree(folder, ignore_errors=True)
            except InputError as error:
                self._remove_work(folder.name)
                say(f"a job is left out: {error}; its folder is now {set_aside(folder)}")

    def _remove_work(self, identity: str) -> None:
        shutil.rmtree(self.work_folder(identity), ignore_errors=True)

    def _make_room(self) -> None:
        ended = [job for job in self._jobs.values() if job.state not in UNFINISHED]
        if len(ended) > self._kept:
            [(client, _)] = Counter(job.client for job in ended).most_common(1)
            self.delete(next(job.id for job in ended if job.client == client))
