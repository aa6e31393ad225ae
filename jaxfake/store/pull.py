"""A run fetched from the store, on a machine that has nothing of it or less than the store has.

What the store sends is not trusted: names must lie below the run's folder, sizes are those that were
promised, and a checkpoint is taken whole, by size and sha256 of every file, or not at all.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.store import layout
from jaxfake.store.claims import check_config, read_marker
from jaxfake.store.layout import Contents, Step
from jaxfake.store.remote import NotAsPromised, Remote

_SCRATCH = ".fetched"
_LAST = (layout.DONE, layout.CONFIG)
"""After all checkpoints; a folder without config.json counts as empty."""


class Pulled(NamedTuple):
    """What came of it."""

    fetched: list[Step]
    damaged: frozenset[Step]  # in the store


def pull(remote: Remote, workdir: Path, config_sha256: str) -> Pulled:
    """Fetches what the store has and the workdir lacks, if the store is ahead of it.

    Raises:
        InputError: the store holds another run, or nothing there is whole, or the disk is full.
        StoreError: it cannot be reached.
    """
    names = remote.names()
    check_config(remote, names, config_sha256)
    marked = {step for name in names if (step := layout.marker_step(name)) is not None}
    here = layout.local_steps(workdir)
    begun = (workdir / layout.CONFIG).exists()
    first = layout.newest(here)
    ahead = any(step.number > first.get(step.stage, -1) for step in marked)
    if (workdir / layout.DONE).exists() or not (ahead or not begun):
        return Pulled([], frozenset())
    _check_room(workdir, names)
    try:
        return _fetch(remote, workdir, names, _in_turn(marked - set(here), first))
    except OSError as error:
        raise InputError(f"{remote.url} cannot be fetched to {workdir}: {error}") from error


def _in_turn(steps: set[Step], newest_here: dict[str, int]) -> list[Step]:
    """Those that make the store ahead last: stopped in between, the next try finds it ahead still."""
    return sorted(steps, key=lambda step: (step.number > newest_here.get(step.stage, -1), step))


def _fetch(remote: Remote, workdir: Path, names: dict[str, int], steps: list[Step]) -> Pulled:
    workdir.mkdir(parents=True, exist_ok=True)
    for left in workdir.glob(f"{_SCRATCH}*"):  # by a kill
        shutil.rmtree(left)
    _fetch_records(remote, workdir, [name for name in names if name not in _LAST], names)
    fetched, damaged = list[Step](), set[Step]()
    for step in steps:
        (fetched.append if _fetch_step(remote, workdir, step, names) else damaged.add)(step)
    for stage in {step.stage for step in damaged}:
        if not any(step.stage == stage for step in layout.local_steps(workdir)):
            raise InputError(
                f"every checkpoint of {stage} in {remote.url} is damaged: use another --store to "
                "start anew"
            )
    _fetch_records(remote, workdir, [name for name in _LAST if name in names], names)
    return Pulled(fetched, frozenset(damaged))


def _fetch_step(remote: Remote, workdir: Path, step: Step, names: dict[str, int]) -> bool:
    """Whether the checkpoint came whole."""
    files = read_marker(remote, step, names)
    wrong: str | None = "its marker names other files than there are"
    if files is not None:
        with _scratch(workdir) as scratch:
            wrong = _first_wrong(remote, step, files, scratch)
            if wrong is None:
                target = workdir / step.name
                target.parent.mkdir(parents=True, exist_ok=True)
                scratch.rename(target)
    if wrong is not None:
        say(f"{remote.url}/{step.name} is damaged ({wrong}) and left out")
    return wrong is None


def _first_wrong(remote: Remote, step: Step, files: Contents, into: Path) -> str | None:
    """Downloads the files; what is wrong with the first that is not as the marker says."""
    for name, facts in files.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = remote.get(f"{step.name}/{name}", facts.size, target)
        except NotAsPromised as error:
            return str(error)
        if digest != facts.sha256:
            return f"{name} differs from what was saved"
    return None


def _fetch_records(remote: Remote, workdir: Path, wanted: list[str], sizes: dict[str, int]) -> None:
    for name in filter(layout.is_record, wanted):
        if not layout.is_safe(name):
            say(f"{remote.url}: an object named {name[:80]!r} is left out")
            continue
        with _scratch(workdir) as scratch:
            remote.get(name, sizes[name], scratch / "file")
            target = workdir / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (scratch / "file").replace(target)


def _check_room(workdir: Path, names: dict[str, int]) -> None:
    there = next(p for p in (workdir, *workdir.absolute().parents) if p.exists())
    needed, free = sum(names.values()), shutil.disk_usage(there).free
    if needed > free:
        raise InputError(f"{workdir} has no room for the store: {needed} bytes, {free} are free")


@contextmanager
def _scratch(workdir: Path) -> Iterator[Path]:
    """An empty folder on the same disk."""
    with tempfile.TemporaryDirectory(
        dir=workdir, prefix=_SCRATCH, ignore_cleanup_errors=True
    ) as folder:
        scratch = Path(folder) / "new"
        scratch.mkdir()
        yield scratch
