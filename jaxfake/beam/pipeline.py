"""The Apache Beam pipeline: the part that runs in Beam's processes. See `launch`.

No other module imports apache_beam, which is an optional dependency and takes seconds to import.
"""

from collections.abc import Iterator
from pathlib import Path

import apache_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.portable_runner import PortableRunner

from jaxfake.beam import tasks
from jaxfake.beam.runner import DASK
from jaxfake.beam.tasks import BeamJob, Part, Work
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically

_RUNNERS = {"DirectRunner": "FnApiRunner", DASK: "apache_beam.runners.dask.dask_runner.DaskRunner"}
"""Beam's DirectRunner downloads a program and runs it; without internet it falls back to FnApiRunner, which
is all in Python. We take that one always, because we run nothing that was not checked by a digest. Beam has
a runner for Dask and no short name for it."""


def run(job: BeamJob) -> None:
    """Does each task, or leaves a file that says why it failed.

    Raises:
        InputError: Beam has no such runner, or the runner has no such options.
        RuntimeError: a worker failed.
    """
    pipeline = _pipeline(job)
    (
        pipeline
        | apache_beam.Create(job.parts)
        | "Read" >> apache_beam.ParDo(ReadTasks(job.tasks))
        | apache_beam.Reshuffle()  # without it one worker would do all tasks that it has read
        | "Do" >> apache_beam.ParDo(DoTasks(job.work))
    )
    result = pipeline.run()
    try:
        result.wait_until_finish()
    except SystemExit:  # a runner on other machines does not end with this process
        result.cancel()
        raise


class ReadTasks(apache_beam.DoFn):
    """Reads tasks in the pipeline, because its description cannot hold a list of 100,000."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def process(self, part: Part) -> Iterator[str]:
        """The lines of a part of the file."""
        yield from tasks.read(self._file, part)


class DoTasks(apache_beam.DoFn):
    """Does tasks, all of a bundle with one worker.

    The worker reads files in a process of our own. A file that kills a process, hangs or needs too much
    memory fails alone, as on one machine. In a process of Beam it would fail the bundle, and after a few
    attempts the job.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def setup(self) -> None:
        """Starts the worker.

        Raises:
            RuntimeError: this machine cannot do the work.
        """
        self._worker = self._work.start()

    def process(self, line: str) -> None:
        """Does one task. Beam repeats a bundle of which a part was done: the worker passes over that."""
        task = tasks.from_line(line)
        failure = self._worker(task)
        if failure:
            write_atomically(task.failure, failure)

    def teardown(self) -> None:
        """Ends the worker."""
        self._worker.stop()


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
