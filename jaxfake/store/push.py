"""What is new in a run's folder, brought to the store: the newest checkpoints first.

A checkpoint's marker is written when all of its files are there and deleted before any of them is, so
that a checkpoint with a marker is whole at every instant.
"""

from pathlib import Path
from typing import NamedTuple

from jaxfake.store import layout
from jaxfake.store.claims import check_config, read_marker
from jaxfake.store.held import held
from jaxfake.store.layout import Contents, Stamp, Step
from jaxfake.store.remote import Remote

SCRATCH = ".mirror"
"""Below the workdir: the checkpoint that is being uploaded."""


class Lacking(NamedTuple):
    """What the store does not have yet."""

    newest: list[Step]  # of each stage, if it is not there
    older: list[Step]
    records: list[str]  # names of other files

    def __bool__(self) -> bool:
        return any(map(bool, self))


class Push:
    """Knows what the store has, and uploads the rest.

    Args:
        workdir: of the run.
        remote: where to.
        config_sha256: of the run; a store with another is left alone.
        distrusted: checkpoints whose content in the store is damaged, marker or not.
    """

    def __init__(
        self, workdir: Path, remote: Remote, config_sha256: str, distrusted: frozenset[Step]
    ) -> None:
        self._workdir, self._remote = workdir, remote
        self._config_sha256, self._distrusted = config_sha256, distrusted
        self._met = False
        self._content: dict[Step, Contents] = {}  # in the store, known by digest
        self._marked: dict[Step, Contents] = {}
        self._whole: dict[Step, dict[str, Stamp]] = {}  # the local folder when it was all there
        self._sent: dict[str, Stamp] = {}

    def catch_up(self, records_too: bool) -> None:
        """Brings the store up to date.

        Args:
            records_too: also files that change all the time; else with new checkpoints only.

        Raises:
            StoreError: the store failed.
            OSError: this disk did.
        """
        if not self._met:
            self._meet()
        self._checkpoints()
        if records_too:
            self._records()
        self._prune()

    def lacking(self) -> Lacking:
        """What is on this disk and not in the store; asks nothing of the store."""
        steps = layout.local_steps(self._workdir)
        first = layout.newest(steps)
        missing = [step for step in steps if not self._is_whole(step)]
        return Lacking(
            [step for step in missing if first[step.stage] == step.number],
            [step for step in missing if first[step.stage] != step.number],
            self._unsent(),
        )

    def there(self) -> dict[str, int]:
        """The newest whole checkpoint of each stage, as far as is known; of any thread, as `lacking`."""
        return layout.newest([step for step, files in list(self._marked.items()) if files])

    def _meet(self) -> None:
        names = self._remote.names()
        check_config(self._remote, names, self._config_sha256)
        for name in names:
            step = layout.marker_step(name)
            if step is not None:
                trusted = step not in self._distrusted
                marked = read_marker(self._remote, step, names) if trusted else None
                self._marked[step] = marked or {}
                self._content[step] = dict(marked or {})
            elif (part := layout.step_of(name)) is not None:
                self._content.setdefault(part, {})
        self._met = True

    def _checkpoints(self) -> None:
        """Each that is missing; looks again after each, since a newer one may have come."""
        while missing := [
            step for step in layout.local_steps(self._workdir) if not self._is_whole(step)
        ]:
            self._checkpoint(missing[0])

    def _is_whole(self, step: Step) -> bool:
        now = layout.stamps(self._workdir / step.name)
        return not now or self._whole.get(step) == now

    def _checkpoint(self, step: Step) -> None:
        with held(self._workdir / step.name, self._workdir / SCRATCH) as folder:
            if folder is None:
                return
            try:
                seen, files = layout.stamps(folder), layout.contents(folder)
                if self._marked.get(step) != files:
                    self._upload(step, folder, files)
                self._whole[step] = seen
            except FileNotFoundError:  # it could not be held
                if (self._workdir / step.name).is_dir():
                    raise

    def _upload(self, step: Step, folder: Path, files: Contents) -> None:
        there = self._content.setdefault(step, {})
        marked = self._marked.get(step, {})
        if step in self._marked and not (marked and marked.items() <= files.items()):
            self._unmark(step)  # another checkpoint of the same step lies there, or a damaged one
        for name, facts in files.items():
            if there.get(name) != facts:
                there.pop(name, None)
                self._remote.put(folder / name, f"{step.name}/{name}")
                there[name] = facts
        self._record(layout.METRICS)  # what was measured up to this step goes with it
        self._record(layout.CONFIG)
        self._remote.put_bytes(layout.to_json(files), step.marker)
        self._marked[step] = files

    def _unmark(self, step: Step) -> None:
        self._remote.delete(step.marker)
        self._marked.pop(step, None)

    def _unsent(self) -> list[str]:
        now = layout.records(self._workdir)
        return [name for name, stamp in now.items() if self._sent.get(name) != stamp]

    def _records(self) -> None:
        for name in self._unsent():
            self._record(name)

    def _record(self, name: str) -> None:
        path = self._workdir / name
        try:
            stat = path.stat()
            stamp = Stamp(stat.st_size, stat.st_mtime_ns)
            if self._sent.get(name) != stamp:
                self._remote.put(path, name)
                self._sent[name] = stamp
        except FileNotFoundError:
            return  # it was replaced or deleted; the next look sees what is there then

    def _prune(self) -> None:
        """Deletes what retention deleted here: what is not here, and older than a newest that is there."""
        here = set(layout.local_steps(self._workdir))
        first = layout.newest(here)
        if not all(Step(*one) in self._whole for one in first.items()):
            return  # it came just now
        gone = {s for s in self._content if s not in here and s.number < first.get(s.stage, 0)}
        if not gone:
            return
        names = self._remote.names()
        for step in gone:
            self._unmark(step)
        for name in names:
            if layout.step_of(name) in gone:
                self._remote.delete(name)
        for step in gone:
            del self._content[step]
            self._whole.pop(step, None)
