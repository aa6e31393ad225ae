"""The tasks as an Apache Beam pipeline: what is done in Beam's own processes. See `scale_out`.

Nothing else imports apache_beam, which is an extra and takes its time.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

import apache_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.portable_runner import PortableRunner

from jaxfake.data.preparation import crop_files, prepare
from jaxfake.data.preparation.beam_launch import Job, note, unpack
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.worker_pool import GuardedWorker

_RUNNERS = {"DirectRunner": "FnApiRunner"}
"""Beam's DirectRunner fetches a program from the internet and runs it, and falls back to this one, which
is all in Python, where there is no way out. Nothing of ours is fetched without a digest."""


def run(job: Job) -> None:
    """Makes the unit of each task, or a note on why there is none.

    Raises:
        InputError: there is no such runner, or it does not take these options.
        RuntimeError: a worker failed.
    """
    pipeline = _pipeline(job)
    (
        pipeline
        | apache_beam.Create([str(job.tasks)])
        | "Read" >> apache_beam.FlatMap(_read)
        | apache_beam.Reshuffle()  # without it one worker would go on with all that it has read
        | "Crop" >> apache_beam.ParDo(Crop(job, prepare.versions()))
    )
    result = pipeline.run()
    try:
        result.wait_until_finish()
    except SystemExit:  # a runner elsewhere does not end with us
        result.cancel()
        raise


class Crop(apache_beam.DoFn):
    """Does tasks in a guarded process of its own, with one Cropper for all of them.

    A file that kills, hangs or bloats a process costs itself alone, as on one machine. In a process of
    Beam's it would cost the bundle, and after a few attempts the job.
    """

    def __init__(self, job: Job, versions: dict[str, str]) -> None:
        self._job, self._versions = job, versions

    def setup(self) -> None:
        """Refuses to work where the crops would be others, or all files missing.

        Raises:
            RuntimeError: this machine has other versions, or does not see the source.
        """
        here, versions = socket.gethostname(), prepare.versions()
        if versions != self._versions:
            raise RuntimeError(f"worker {here} has {versions}, and not {self._versions}")
        if not self._job.source.is_dir():
            raise RuntimeError(f"worker {here} does not see {self._job.source}")
        self._guarded = GuardedWorker(self._job.prepare, self._job.limits)

    def process(self, packed: str) -> None:
        """Does one task."""
        task = unpack(packed)
        if crop_files.load_status(Path(task.unit)) is not None:
            return  # Beam gives a bundle again of which a part was done
        failure = self._guarded(task)
        if failure:
            write_atomically(note(task), failure)

    def teardown(self) -> None:
        """Ends the process."""
        self._guarded.stop()


def _read(tasks: str) -> Iterator[str]:
    """From a file: a list of 100,000 is more than the description of a pipeline may hold."""
    yield from Path(tasks).read_text().splitlines()


def _pipeline(job: Job) -> apache_beam.Pipeline:
    """An empty one."""
    try:
        options = PipelineOptions(job.options)
        pipeline = apache_beam.Pipeline(_RUNNERS.get(job.runner, job.runner), options)
        known = options.get_all_options().keys()
    except Exception as error:
        raise InputError(str(error)) from error
    unknown = options.get_all_options(retain_unknown_options=True).keys() - known
    # The job servers of Flink and Spark have options of their own, and say themselves what is wrong.
    if unknown and not isinstance(pipeline.runner, PortableRunner):
        raise InputError(f"there is no option {', '.join(sorted(unknown))}")
    return pipeline
