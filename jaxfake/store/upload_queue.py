"""Uploads what is new in a run's folder to the store, the newest checkpoints first.

A checkpoint's marker is written after all of its files and deleted before any of them, so that a
checkpoint with a marker is complete at every instant. Before every upload the claim is checked: the place
in the store may have become another run's, or another machine's.
"""

import dataclasses
from pathlib import Path

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.experiment.run_folder import CONFIG, METRICS
from jaxfake.store import object_names
from jaxfake.store.claim import Claim, ClaimDeleted
from jaxfake.store.object_names import Contents, FileStamp, Step
from jaxfake.store.object_store import ObjectStore
from jaxfake.store.pinned_checkpoint import pinned
from jaxfake.store.verify import check_config, read_marker

SCRATCH = ".mirror"
"""Folder below the workdir, for the checkpoint that is being uploaded."""


@dataclasses.dataclass(frozen=True)
class Pending:
    """What the store does not have yet."""

    newest: list[Step]  # the newest checkpoint of each stage that is not in the store
    older: list[Step]
    files: list[str]  # names of files outside of the checkpoints

    def __bool__(self) -> bool:
        return bool(self.newest or self.older or self.files)


class UploadQueue:
    """Knows what the store has, and uploads the rest.

    Args:
        workdir: of the run.
        store: to upload to.
        identity: of the run; nothing is uploaded to a store that holds another.
        damaged: checkpoints whose content in the store is damaged, whether they have a marker or not.
    """

    def __init__(
        self, workdir: Path, store: ObjectStore, identity: RunIdentity, damaged: frozenset[Step]
    ) -> None:
        self._workdir, self._store = workdir, store
        self._identity, self._damaged = identity, damaged
        self._claim = Claim(store, identity)
        self._inspected = False
        self._stored: dict[Step, Contents] = {}  # in the store, as far as known
        self._markers: dict[Step, Contents] = {}
        self._complete: dict[
            Step, dict[str, FileStamp]
        ] = {}  # the local folder when all was uploaded
        self._read: dict[Step, tuple[dict[str, FileStamp], Contents]] = {}
        self._uploaded: dict[str, FileStamp] = {}

    def upload_new(self, include_files: bool) -> None:
        """Brings the store up to date.

        Args:
            include_files: also the files that change all the time; else they go with new checkpoints only.

        Raises:
            StoreError: the store failed.
            OSError: the local disk failed.
            InputError: the store belongs to another run, or to another machine by now.
        """
        try:
            self.inspect()
            self._upload_checkpoints()
            if include_files:
                self._upload_files()
            self._prune()
        except ClaimDeleted:
            self._forget()
            raise

    def pending(self) -> Pending:
        """What is on this disk and not in the store, without a request to the store."""
        steps = object_names.local_steps(self._workdir)
        newest = object_names.newest(steps)
        missing = [step for step in steps if not self._is_complete(step)]
        return Pending(
            [step for step in missing if newest[step.stage] == step.number],
            [step for step in missing if newest[step.stage] != step.number],
            self._files_to_upload(),
        )

    def uploaded_steps(self) -> dict[str, int]:
        """The newest complete checkpoint of each stage, as far as known. May be called in any thread."""
        return object_names.newest([step for step, files in list(self._markers.items()) if files])

    def inspect(self) -> None:
        """Claims the place in the store, and learns what it has; does nothing if that has been done.

        Raises:
            StoreError, InputError: see `upload_new`.
        """
        if self._inspected:
            return
        names = self._store.names()
        check_config(self._store, names, self._identity)
        self._claim.take()
        for name in names:
            step = object_names.step_of_marker(name)
            if step is not None:
                known = None if step in self._damaged else read_marker(self._store, step, names)
                self._markers[step] = known or {}
                self._stored[step] = dict(known or {})
            elif (part := object_names.step_of_object(name)) is not None:
                self._stored.setdefault(part, {})
        self._inspected = True

    def _forget(self) -> None:
        """Somebody has emptied the store: everything is uploaded anew."""
        self._inspected = False
        for known in (self._stored, self._markers, self._complete, self._uploaded):
            known.clear()

    def _upload_checkpoints(self) -> None:
        """Uploads missing checkpoints; lists them anew after each, because a newer one may have come."""
        while missing := [
            step for step in object_names.local_steps(self._workdir) if not self._is_complete(step)
        ]:
            self._upload_checkpoint(missing[0])

    def _is_complete(self, step: Step) -> bool:
        now = object_names.file_stamps(self._workdir / step.name)
        return not now or self._complete.get(step) == now

    def _upload_checkpoint(self, step: Step) -> None:
        with pinned(self._workdir / step.name, self._workdir / SCRATCH) as folder:
            if folder is None:
                return
            try:
                stamps = object_names.file_stamps(folder)
                files = self._infos_of(step, folder, stamps)
                if self._markers.get(step) != files:
                    self._upload(step, folder, files)
                self._complete[step] = stamps
            except FileNotFoundError:  # the disk has no links, and retention deleted the checkpoint
                if (self._workdir / step.name).is_dir():
                    raise

    def _infos_of(self, step: Step, folder: Path, stamps: dict[str, FileStamp]) -> Contents:
        """Sizes and digests of a checkpoint's files, read once however often the store fails."""
        read = self._read.get(step)
        if read is None or read[0] != stamps:
            read = self._read[step] = (stamps, object_names.file_infos(folder))
        return read[1]

    def _upload(self, step: Step, folder: Path, files: Contents) -> None:
        stored = self._stored.setdefault(step, {})
        listed = self._markers.get(step, {})
        if step in self._markers and not (listed and listed.items() <= files.items()):
            self._delete_marker(
                step
            )  # the store has another checkpoint of this step, or a damaged one
        for name, info in files.items():
            if stored.get(name) != info:
                stored.pop(name, None)
                self._claim.check()
                self._store.put(folder / name, f"{step.name}/{name}")
                stored[name] = info
        self._upload_file(METRICS)  # the metrics up to this step go with it
        self._upload_file(CONFIG)
        self._claim.check()
        self._store.put_bytes(object_names.to_json(files), step.marker)
        self._markers[step] = files

    def _delete_marker(self, step: Step) -> None:
        self._claim.check()
        self._store.delete(step.marker)
        self._markers.pop(step, None)

    def _files_to_upload(self) -> list[str]:
        now = object_names.run_files(self._workdir)
        return [name for name, stamp in now.items() if self._uploaded.get(name) != stamp]

    def _upload_files(self) -> None:
        for name in self._files_to_upload():
            self._upload_file(name)

    def _upload_file(self, name: str) -> None:
        path = self._workdir / name
        try:
            stat = path.stat()
            stamp = FileStamp(stat.st_size, stat.st_mtime_ns)
            if self._uploaded.get(name) != stamp:
                self._claim.check()
                self._store.put(path, name)
                self._uploaded[name] = stamp
        except FileNotFoundError:
            return  # it was replaced or deleted; the next call sees the new state

    def _prune(self) -> None:
        """Deletes in the store what retention deleted here, once newer checkpoints are in the store."""
        here = set(object_names.local_steps(self._workdir))
        newest = object_names.newest(here)
        if not all(Step(*one) in self._complete for one in newest.items()):
            return  # the newest has only just been saved
        gone = {s for s in self._stored if s not in here and s.number < newest.get(s.stage, 0)}
        if not gone:
            return
        names = self._store.names()
        for step in gone:
            self._delete_marker(step)
        for name in names:
            if object_names.step_of_object(name) in gone:
                self._claim.check()
                self._store.delete(name)
        for step in gone:
            del self._stored[step]
            self._complete.pop(step, None)
            self._read.pop(step, None)
