"""A run's folder without a run, and stores that record, fail, or take any name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.store import object_names
from jaxfake.store.object_store import ObjectStore, StoreError, _NotFound
from jaxfake.store.upload_queue import SCRATCH, UploadQueue
from jaxfake.store.verify import read_marker
from tests.processes import FOREVER

RUN, OTHER = RunIdentity("c0ffee"), RunIdentity("decaf")


class RecordingStore(ObjectStore):
    """A store that records what is changed in it, and fails at a given request."""

    def __init__(self, url: str, fail_at: int | None = None) -> None:
        super().__init__(url, stall_seconds=FOREVER)
        self.changed: list[str] = []
        self.calls, self.fail_at = 0, fail_at
        self.before: Callable[[str], object] = lambda name: None

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls - 1 == self.fail_at:
            raise StoreError("the connection was cut")
        if method in ("put_file", "pipe_file", "rm_file"):
            name = args[1 if method == "put_file" else 0].removeprefix(self._root + "/")
            self.before(name)
            self.changed.append(f"-{name}" if method == "rm_file" else name)
        return super()._call(method, *args, **options)


class FlatStore(ObjectStore):
    """A store whose names mean nothing to it, as in S3: one may be that of a file and of a folder."""

    def __init__(self) -> None:
        super().__init__("memory://flat", stall_seconds=FOREVER)
        self.objects: dict[str, bytes] = {}
        self.claimed: dict[str, int] = {}  # sizes of objects that are listed and cannot be read

    def names(self) -> dict[str, int]:
        return {name: len(content) for name, content in self.objects.items()} | self.claimed

    def _call(self, method: str, *args: Any, moves: int = 0, **options: Any) -> Any:
        self.transfers += 1
        match method:
            case "put_file":
                self.objects[self._name(args[1])] = Path(args[0]).read_bytes()
            case "pipe_file":
                self.objects[self._name(args[0])] = args[1]
            case "rm_file":
                self.objects.pop(self._name(args[0]), None)
            case "cat_file":
                try:
                    content = self.objects[self._name(args[0])]
                except KeyError:
                    raise _NotFound(args[0]) from None
                return content[options["start"] : options["end"]]
        return None

    def _name(self, path: str) -> str:
        return path.removeprefix(self._root + "/")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def begin(workdir: Path, run: RunIdentity = RUN) -> None:
    """The files that every run has."""
    write(workdir / "config.json", json.dumps({"sha256": run.config}))
    write(workdir / "metrics.jsonl", "{}\n")


def save(workdir: Path, stage: str, number: int, what: str = "", size: int = 100) -> None:
    """A checkpoint as it is committed: all at once."""
    making = workdir / "checkpoints" / stage / f"{number}.orbax-checkpoint-tmp"
    write(making / "state" / "d" / "arrays", f"{stage} {number} {what} " + "x" * size)
    write(making / "meta" / "metadata", f"notes of {number} {what}")
    write(making / "state" / "empty", "")
    making.rename(making.with_name(str(number)))


def complete_steps(url: str, *stages: str) -> set[str]:
    """Names of the checkpoints, of these stages or all, with a marker; fails if one is not complete."""
    store = ObjectStore(url, FOREVER)
    names = store.names()
    found = {step for name in names if (step := object_names.step_of_marker(name))}
    found = {step for step in found if step.stage in (stages or (step.stage,))}
    for step in found:
        files = read_marker(store, step, names)
        assert files is not None, step
        for name, info in files.items():
            target = Path(shutil.os.devnull)
            assert store.get(f"{step.name}/{name}", info.size, target) == info.sha256, step
    return {f"{step.stage} {step.number}" for step in found}


def tree(workdir: Path) -> dict[str, str]:
    """All files of a run, by name, but for what the mirror itself is at work on."""
    files = (path.relative_to(workdir) for path in workdir.rglob("*") if path.is_file())
    found = {str(path): workdir / path for path in files if path.parts[0] != SCRATCH}
    return {name: path.read_text() for name, path in found.items()}


def upload_all(url: str, workdir: Path) -> UploadQueue:
    queue = UploadQueue(workdir, ObjectStore(url, FOREVER), RUN, frozenset())
    queue.upload_new(include_files=True)
    assert not queue.pending()
    return queue
