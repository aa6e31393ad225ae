"""Downloads a run from the store to a machine that has nothing of it, or less than the store has.

What the store sends is not trusted: every name must lie below the run's folder, every object must have the
size that was listed, and a checkpoint is taken only if size and sha256 of all its files are right. Objects
that no run has written are passed over by name.
"""

import dataclasses
import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.experiment.run_folder import CONFIG, DONE, FILES, STAGES, RunFolder
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.store import object_names
from jaxfake.store.object_names import Contents, Step
from jaxfake.store.object_store import ObjectStore, UnexpectedObject
from jaxfake.store.verify import check_config, read_marker

_SCRATCH = ".fetched"
_MOST_BYTES = 4 << 30
"""The largest file of a run outside of its checkpoints; our choice. Reports and metrics have megabytes."""
_NAME_ERRORS = frozenset(
    (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ)
)
"""Errors of a disk that cannot have a file of that name."""

_LAST = (DONE, CONFIG)
"""Downloaded after all checkpoints, because a folder without config.json counts as empty."""


@dataclasses.dataclass(frozen=True)
class Downloaded:
    """What a download brought."""

    steps: list[Step]
    damaged: frozenset[Step]  # checkpoints that are damaged in the store


def download(store: ObjectStore, workdir: Path, identity: RunIdentity) -> Downloaded:
    """Downloads what the workdir lacks, if the store is ahead of it.

    Raises:
        InputError: the store holds another run, all its checkpoints of a stage are damaged, or this disk
            is full.
        StoreError: the store cannot be reached.
    """
    names = store.names()
    check_config(store, names, identity)
    in_store = {
        step
        for name in names
        if (step := object_names.step_of_marker(name)) is not None and step.stage in STAGES
    }
    here = object_names.local_steps(workdir)
    begun = RunFolder(workdir).config.exists()
    first = object_names.newest(here)
    ahead = any(step.number > first.get(step.stage, -1) for step in in_store)
    if RunFolder(workdir).done.exists() or not (ahead or not begun):
        return Downloaded([], frozenset())
    steps = _in_order(in_store - set(here), first)
    files = _files_to_fetch(store, names)
    _check_space(workdir, names, [*files, *_files_of(steps, names)])
    try:
        return _fetch(store, workdir, names, files, steps)
    except OSError as error:
        raise InputError(f"{store.url} cannot be fetched to {workdir}: {error}") from error


def _in_order(steps: set[Step], newest_here: dict[str, int]) -> list[Step]:
    """Newer steps last: if the download is interrupted, the next one still finds the store ahead."""
    return sorted(steps, key=lambda step: (step.number > newest_here.get(step.stage, -1), step))


def _files_to_fetch(store: ObjectStore, names: dict[str, int]) -> list[str]:
    """The files outside of the checkpoints; those that no run can have written are named and left out."""
    files = [name for name in names if object_names.is_run_file(name)]
    folders = object_names.folders_of(name for name in files if _stray(name, names, set()) is None)
    wanted = []
    for name in files:
        why = _stray(name, names, folders)
        if why is None:
            wanted.append(name)
        else:
            say(f"{store.url}: an object named {name[:80]!r} is passed over: {why}")
    return wanted


def _stray(name: str, sizes: dict[str, int], folders: set[str]) -> str | None:
    """Why an object is not a file of a run; None if it may be one."""
    first = name.partition("/")[0]
    if not object_names.is_safe(name):
        return "no file can have this name"
    if first != name and first in FILES:
        return f"{first} is a file and not a folder"
    if name not in FILES and name in folders:
        return "there are others below it"
    if sizes[name] > _MOST_BYTES:
        return f"it has {sizes[name]} bytes"
    return None


def _files_of(steps: list[Step], names: dict[str, int]) -> list[str]:
    wanted = set(steps)
    return [name for name in names if object_names.step_of_object(name) in wanted]


def _fetch(
    store: ObjectStore, workdir: Path, names: dict[str, int], files: list[str], steps: list[Step]
) -> Downloaded:
    workdir.mkdir(parents=True, exist_ok=True)
    for left_over in workdir.glob(f"{_SCRATCH}*"):  # by a process that was killed
        shutil.rmtree(left_over)
    _fetch_files(store, workdir, [name for name in files if name not in _LAST], names)
    fetched, damaged = list[Step](), set[Step]()
    for step in steps:
        (fetched.append if _fetch_step(store, workdir, step, names) else damaged.add)(step)
    for stage in {step.stage for step in damaged}:
        if not any(step.stage == stage for step in object_names.local_steps(workdir)):
            raise InputError(
                f"every checkpoint of {stage} in {store.url} is damaged: use another --store to "
                "start anew"
            )
    _fetch_files(store, workdir, [name for name in _LAST if name in files], names)
    return Downloaded(fetched, frozenset(damaged))


def _fetch_step(store: ObjectStore, workdir: Path, step: Step, names: dict[str, int]) -> bool:
    """Downloads one checkpoint; whether all of it is right."""
    files = read_marker(store, step, names)
    fault: str | None = "its marker names other files than there are"
    if files is not None:
        with _scratch_folder(workdir) as scratch:
            fault = _first_fault(store, step, files, scratch)
            if fault is None:
                target = workdir / step.name
                target.parent.mkdir(parents=True, exist_ok=True)
                scratch.rename(target)
    if fault is not None:
        say(f"{store.url}/{step.name} is damaged ({fault}) and skipped")
    return fault is None


def _first_fault(store: ObjectStore, step: Step, files: Contents, into: Path) -> str | None:
    """Downloads the files; says what is wrong with the first that differs from the marker."""
    for name, info in files.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = store.get(f"{step.name}/{name}", info.size, target)
        except UnexpectedObject as error:
            return str(error)
        if digest != info.sha256:
            return f"{name} differs from what was saved"
    return None


def _fetch_files(
    store: ObjectStore, workdir: Path, wanted: list[str], sizes: dict[str, int]
) -> None:
    for name in wanted:
        try:
            _fetch_file(store, workdir, name, sizes[name])
        except OSError as error:
            if name in FILES or error.errno not in _NAME_ERRORS:
                raise
            say(f"{store.url}: an object named {name[:80]!r} is passed over: {error.strerror}")


def _fetch_file(store: ObjectStore, workdir: Path, name: str, size: int) -> None:
    with _scratch_folder(workdir) as scratch:
        store.get(name, size, scratch / "file")
        target = workdir / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (scratch / "file").replace(target)


def _check_space(workdir: Path, sizes: dict[str, int], wanted: list[str]) -> None:
    existing = next(p for p in (workdir, *workdir.absolute().parents) if p.exists())
    needed, free = sum(sizes[name] for name in wanted), shutil.disk_usage(existing).free
    if needed > free:
        raise InputError(
            f"{workdir} has no space for the run in the store: it needs {needed} bytes, {free} are free"
        )


@contextmanager
def _scratch_folder(workdir: Path) -> Iterator[Path]:
    """An empty folder on the same disk."""
    with tempfile.TemporaryDirectory(
        dir=workdir, prefix=_SCRATCH, ignore_cleanup_errors=True
    ) as folder:
        scratch = Path(folder) / "new"
        scratch.mkdir()
        yield scratch
