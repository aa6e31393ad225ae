"""Scores one waiting file after the other, each in a process of its own with limits."""

import asyncio
import dataclasses
import time

from jaxfake.runtime.progress import say
from jaxfake.runtime.terminal_text import printable
from jaxfake.serving.jobs import detector_command
from jaxfake.serving.jobs.detector_command import FileRefused, NoResult
from jaxfake.serving.jobs.fair_queue import FairQueue
from jaxfake.serving.jobs.job import Job, State
from jaxfake.serving.jobs.job_store import JobStore
from jaxfake.serving.limited import process
from jaxfake.serving.limited.process import Ended, ProcessLimits

_MOST_TRIES = 2
"""A file whose scoring was cut short is scored once more; one that brings down the machine not for ever."""

_SERVER_FAILED = (
    "The server could not work on this file, through no fault of yours: send it again later."
)
_INTERRUPTED = "The server was stopped while it worked on this file: send it again."


class Scorer:
    """Takes jobs in their turn. All of it happens in the server's event loop.

    Args:
        store: of the jobs; those that wait or were running when the last server ended wait again.
        queue: of the ids of waiting jobs.
        command: scores the file in the current folder, see `detector_command`.
        limits: of its process.
    """

    def __init__(
        self, store: JobStore, queue: FairQueue, command: list[str], limits: ProcessLimits
    ) -> None:
        self._store, self._queue = store, queue
        self._command, self._limits = command, limits
        self._waiting = asyncio.Event()
        self._running: tuple[str, asyncio.Task[Ended]] | None = None
        for job in store.unfinished():
            self._take_up(job)

    def put(self, job: Job) -> None:
        """Adds a job that is in the store."""
        self._queue.put(job.client, job.id)
        self._waiting.set()

    async def work(self) -> None:
        """Scores jobs until it is cancelled. A job that runs then stays in the store as running."""
        while True:
            await self._waiting.wait()
            identity = self._queue.take()
            if identity is None:
                self._waiting.clear()
                continue
            job = self._store.get(identity)
            if job is not None:
                await self._try_to_score(job)

    async def cancel(self, identity: str) -> None:
        """Ends the work on a job, whether it waits or runs."""
        self._queue.remove(identity)
        if self._running is not None and self._running[0] == identity:
            task = self._running[1]
            task.cancel()
            await asyncio.wait([task])

    def _take_up(self, job: Job) -> None:
        """A job of a server that has ended."""
        if job.tries >= _MOST_TRIES or not self._store.upload(job.id).is_file():
            self._end(job, "interrupted", _INTERRUPTED)
        else:
            self._store.save(dataclasses.replace(job, state="queued"))
            self.put(job)

    async def _try_to_score(self, job: Job) -> None:
        """Scores a job. If the server itself fails, such as on a full disk, the next start tries again."""
        try:
            await self._score(job)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            say(printable(f"job {job.id} is left for the next start: {why}"))
            self._store.remember(_ended(job, "failed", _SERVER_FAILED))

    async def _score(self, waiting: Job) -> None:
        job = dataclasses.replace(waiting, state="running", tries=waiting.tries + 1)
        self._store.save(job)
        folder = self._store.work_folder(job.id)
        detector_command.clear(folder)  # of a try that was cut short
        task = asyncio.create_task(process.run(self._command, folder, self._limits))
        self._running = job.id, task
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:  # the server is asked to stop, which does not count as a try
            task.cancel()
            await asyncio.wait([task])
            if self._store.get(job.id) is not None:
                self._store.save(waiting)
            raise
        finally:
            self._running = None
        if self._store.get(job.id) is not None and not task.cancelled():
            self._conclude(job, task)

    def _conclude(self, job: Job, task: "asyncio.Task[Ended]") -> None:
        """Stores how a job has ended, whatever happened."""
        try:
            ended = task.result()
        except OSError as error:
            say(f"job {job.id}: its process cannot be started: {error}")
            self._end(job, "failed", "The detector could not be started: try again later.")
            return
        if ended.code is None:
            minutes = self._limits.seconds / 60
            self._end(job, "failed", f"This took longer than {minutes:g} minutes and was stopped.")
        else:
            self._publish(job, ended)

    def _publish(self, job: Job, ended: Ended) -> None:
        """Stores what the detector has left."""
        try:
            folder = self._store.work_folder(job.id)
            verdict, results, report = detector_command.read_result(folder, ended.code)
        except FileRefused as refused:
            self._end(job, "failed", str(refused))
            return
        except NoResult as error:
            say(f"job {job.id}: the detector ended with {ended.code}:\n{printable(ended.output)}")
            self._end(job, "failed", str(error))
            return
        self._store.publish(job.id, results, report)
        self._end(dataclasses.replace(job, **dataclasses.asdict(verdict)), "done", "")

    def _end(self, job: Job, state: State, message: str) -> None:
        self._store.save(_ended(job, state, message))


def _ended(job: Job, state: State, message: str) -> Job:
    return dataclasses.replace(job, state=state, message=message, finished=time.time())
