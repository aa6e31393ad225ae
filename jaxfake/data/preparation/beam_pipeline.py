"""The Apache Beam pipeline that makes crops: the part that runs in Beam's processes. See `beam_launch`.

No other module imports apache_beam, which is an optional dependency and takes seconds to import.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

import apache_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.portable_runner import PortableRunner

from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.beam_tasks import BeamJob, failure_file, from_line
from jaxfake.data.preparation.versions import versions
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.worker_pool import GuardedWorker

_RUNNERS = {"DirectRunner": "FnApiRunner"}
"""Beam's DirectRunner downloads a program and runs it; without internet it falls back to FnApiRunner, which
is all in Python. We take that one always, because we run nothing that was not checked by a digest."""


def run(job: BeamJob) -> None:
    """Writes the crop file of each task, or a failure file.

    Raises:
        InputError: Beam has no such runner, or the runner has no such options.
        RuntimeError: a worker failed.
    """
    pipeline = _pipeline(job)
    (
        pipeline
        | apache_beam.Create([str(job.tasks)])
        | "Read" >> apache_beam.FlatMap(_read)
        | apache_beam.Reshuffle()  # without it one worker would do all tasks that it has read
        | "Crop" >> apache_beam.ParDo(Crop(job, versions()))
    )
    result = pipeline.run()
    try:
        result.wait_until_finish()
    except SystemExit:  # a runner on other machines does not end with this process
        result.cancel()
        raise


class Crop(apache_beam.DoFn):
    """Does tasks in a worker process of our own, with one Cropper for all of them.

    A file that kills a process, hangs or needs too much memory fails alone, as on one machine. In a process
    of Beam it would fail the bundle, and after a few attempts the job.
    """

    def __init__(self, job: BeamJob, versions: dict[str, str]) -> None:
        self._job, self._versions = job, versions

    def setup(self) -> None:
        """Starts the worker process.

        Raises:
            RuntimeError: this machine has other versions, or cannot see the source.
        """
        host, own_versions = socket.gethostname(), versions()
        if own_versions != self._versions:
            raise RuntimeError(f"worker {host} has {own_versions}, and not {self._versions}")
        if not self._job.source.is_dir():
            raise RuntimeError(f"worker {host} does not see {self._job.source}")
        self._worker = GuardedWorker(self._job.prepare, self._job.limits)

    def process(self, line: str) -> None:
        """Does one task."""
        task = from_line(line)
        if crop_files.load_status(Path(task.crop_file)) is not None:
            return  # Beam repeats a bundle of which a part was done
        failure = self._worker(task)
        if failure:
            write_atomically(failure_file(task), failure)

    def teardown(self) -> None:
        """Ends the process."""
        self._worker.stop()


def _read(tasks: str) -> Iterator[str]:
    """Reads the tasks in the pipeline, because its description cannot hold a list of 100,000."""
    yield from Path(tasks).read_text().splitlines()


def _pipeline(job: BeamJob) -> apache_beam.Pipeline:
    """A pipeline without steps yet."""
    try:
        options = PipelineOptions(job.options)
        pipeline = apache_beam.Pipeline(_RUNNERS.get(job.runner, job.runner), options)
        known = options.get_all_options().keys()
    except Exception as error:
        raise InputError(str(error)) from error
    unknown = options.get_all_options(retain_unknown_options=True).keys() - known
    # The job servers of Flink and Spark have their own options, and report what is wrong with them.
    if unknown and not isinstance(pipeline.runner, PortableRunner):
        raise InputError(f"there is no option {', '.join(sorted(unknown))}")
    return pipeline
