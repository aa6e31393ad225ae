"""Crops source files in parallel, all but those of which an earlier preparation has left the crops.

What is left is used if not one bit of it is wrong, and if it was made from the bytes that the source file
has now. A file that could not be read before is tried again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files, source_content, work_folder
from jaxfake.data.preparation.crop_files import CropStatus
from jaxfake.data.preparation.cropping import CropOptions, Cropper, CropTask
from jaxfake.data.preparation.disk_room import DiskRoom
from jaxfake.faces.model_files import FaceModels
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import Progress
from jaxfake.runtime.worker_pool import Limits, Outcome

type Engine = Callable[[list[CropTask], Callable[[], Cropper], int, Limits], Iterator[Outcome]]
"""Runs the tasks: `worker_pool.run` on this machine, `beam_crops.engine` on others."""


@dataclass(frozen=True)
class SourceCropper:
    """How source files are cropped, and where their crops are kept."""

    work: Path  # folder of the crop files
    face_models: FaceModels
    options: CropOptions
    engine: Engine
    workers: int
    limits: Limits

    def crop_file(self, file: SourceFile) -> Path:
        """Where the crops of a file are kept."""
        return self.work / work_folder.crop_file_name(file, self.options)

    def crop(self, files: list[SourceFile], room: DiskRoom) -> list[CropStatus]:
        """Makes the crop files that are needed; one status per file, in order.

        Args:
            files: to be cropped.
            room: is told what is stored.

        Raises:
            InputError: a file is gone, or was written to while it was read: that is not a result.
        """
        statuses = dict(self._kept(files))
        missing = [at for at in range(len(files)) if at not in statuses]
        for status in statuses.values():
            room.add(status)
        tasks = [CropTask(files[at], str(self.crop_file(files[at]))) for at in missing]
        start = partial(Cropper, self.face_models, self.options)
        with Progress("faces", len(files), "files", done=len(statuses)) as progress:
            for outcome in self.engine(tasks, start, self.workers, self.limits):
                at = missing[outcome.number]
                statuses[at] = self._status(files[at], outcome)
                room.add(statuses[at])
                progress.advance(1)
                if statuses[at].passing:
                    break
        passing = [at for at in missing if at in statuses and statuses[at].passing]
        if passing:
            raise InputError(self._gone(files[passing[0]], statuses[passing[0]]))
        return [statuses[at] for at in range(len(files))]

    def _kept(self, files: list[SourceFile]) -> Iterator[tuple[int, CropStatus]]:
        """Places in the list, and statuses, of the files that were cropped before and are the same now."""
        paths = [self.crop_file(file) for file in files]
        shown = Progress("checking", len(files), "files", brief=True)
        found: dict[int, CropStatus | None] = {}
        with ThreadPoolExecutor(self.workers) as pool, shown as progress:
            for at, status in enumerate(pool.map(crop_files.load_status, paths)):
                found[at] = status
                progress.advance(1)
        finished = {at: one for at, one in found.items() if one is not None and one.finished}
        contents = source_content.digests([files[at] for at in finished], self.workers)
        for (at, status), content in zip(finished.items(), contents, strict=True):
            if status.content == content:
                yield at, status

    def _status(self, file: SourceFile, outcome: Outcome) -> CropStatus:
        """The status of a file that was just tried."""
        status = crop_files.load_status(self.crop_file(file))
        if outcome.failure or status is None:
            reason = outcome.failure or "its crops were damaged on the disk"
            failed = crop_files.failed(reason).status
            return replace(failed, content=source_content.digest_or_empty(file))
        return status

    def _gone(self, file: SourceFile, status: CropStatus) -> str:
        kept = len(list(self.work.glob("*.npz"))) - 1
        return (
            f"{file.path}: {status.failure}, after the source was listed. Is the disk still there? "
            f"{kept} files are kept: once the source stays as it is, run the same command again"
        )
