"""The desk at which files are taken in and asked for: all that the server does for one person."""

import asyncio
import dataclasses
import secrets
import shutil
import time
from pathlib import Path

from starlette.requests import Request

from jaxfake.serving import receiving
from jaxfake.serving.jobs import detector_command
from jaxfake.serving.jobs.detector_command import Progress
from jaxfake.serving.jobs.fair_queue import FairQueue, QueueFull
from jaxfake.serving.jobs.job import Job, is_job_id, new_id, shown_name
from jaxfake.serving.jobs.job_store import UPLOAD, JobStore
from jaxfake.serving.jobs.scorer import Scorer
from jaxfake.serving.limited.checker import Checker
from jaxfake.serving.limits import Limits
from jaxfake.serving.receiving import NO_ROOM
from jaxfake.serving.refusal import Refusal

_SPARE_FILES = 4
"""So many of the largest files must still fit the disk, which others need too. Our choice."""

_NO_JOB = "There is no such file here: it may have been removed."


class Desk:
    """Takes files in, and answers for them.

    Args:
        store, queue, scorer: of the server.
        limits: of what is taken in.
    """

    def __init__(self, store: JobStore, queue: FairQueue, scorer: Scorer, limits: Limits) -> None:
        self._store, self._queue, self._scorer = store, queue, scorer
        self.limits = limits
        self._checker = Checker(limits)
        self._receiving = asyncio.Semaphore(limits.uploads)

    async def take_in(self, client: str, name: str, request: Request) -> Job:
        """Receives the file in the body of a request, checks it and lets it wait for its turn.

        Returns:
            the job: it waits, or it has failed already, because nothing of the kind can be scored.

        Raises:
            Refusal: there is no room for it, or it is empty or too large; nothing is left of it.
        """
        self._check_room(client)
        self._check_can_receive()
        async with self._receiving:
            folder = self._store.incoming / secrets.token_hex(16)
            folder.mkdir()
            try:
                file = folder / UPLOAD
                size = await receiving.receive_file(request, file, self.limits)
                if not size:
                    raise Refusal(422, "This file is empty.")
                refusal = await self._checker.refusal(file)
                job = Job(new_id(), client, shown_name(name), size, time.time())
                return self._refuse(job, refusal) if refusal else self._accept(job, file)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def of(self, client: str) -> list[Job]:
        """A person's jobs, the newest first."""
        return self._store.of(client)

    def find(self, identity: str) -> Job:
        """The job of that id, whoever sent it: who knows the id was given it.

        Raises:
            Refusal: there is none.
        """
        job = self._store.get(identity) if is_job_id(identity) else None
        if job is None:
            raise Refusal(404, _NO_JOB)
        return job

    def ahead(self, job: Job) -> int | None:
        """How many files come before a queued one, with the one that is running; None for others."""
        if job.state != "queued":
            return None
        running = sum(other.state == "running" for other in self._store.unfinished())
        return self._queue.order().index(job.id) + running

    def progress(self, job: Job) -> Progress | None:
        """How far a running job is; None for others."""
        if job.state != "running":
            return None
        return detector_command.read_progress(self._store.work_folder(job.id))

    def result_file(self, identity: str, name: str) -> Path:
        """A file of a result.

        Raises:
            Refusal: there is no such job, or it has no result.
        """
        file = self._store.folder(identity) / name
        if self.find(identity).state != "done" or not file.is_file():
            raise Refusal(409, "There is no result of this file.")
        return file

    async def remove(self, client: str, identity: str) -> None:
        """Removes a person's job with everything that is left of it, whatever its state.

        Raises:
            Refusal: there is no such job, or it is another's.
        """
        if self.find(identity).client != client:
            raise Refusal(403, "This file is another person's.")
        await self._scorer.cancel(identity)
        if self._store.get(identity) is not None:
            self._store.delete(identity)

    def _check_can_receive(self) -> None:
        if self._receiving.locked():
            raise _busy("Too many files are being sent at once: try again in a minute.")
        if shutil.disk_usage(self._store.incoming).free < _SPARE_FILES * self.limits.upload_bytes:
            raise Refusal(507, NO_ROOM)

    def _check_room(self, client: str) -> None:
        try:
            self._queue.check_room(client)
        except QueueFull as full:
            raise _busy(str(full)) from None

    def _refuse(self, job: Job, sentence: str) -> Job:
        job = dataclasses.replace(job, state="failed", message=sentence, finished=job.created)
        self._store.add(job, None)
        return job

    def _accept(self, job: Job, file: Path) -> Job:
        self._check_room(job.client)  # others have come meanwhile
        self._store.add(job, file)
        self._scorer.put(job)
        return job


def _busy(sentence: str) -> Refusal:
    return Refusal(429, sentence, {"Retry-After": "60"})
