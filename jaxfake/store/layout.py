"""What of a run's folder belongs in a store, and how a whole checkpoint is told from a part of one.

The store has the names of the folder, and beside each whole checkpoint a marker,
`checkpoints/STAGE/STEP.complete.json`, which is written last and names every file with size and sha256.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from jaxfake.experiment.layout import CHECKPOINTS, CONFIG, DONE, METRICS, PREPARED  # noqa: F401
from jaxfake.runtime.files import is_number, sha256

MOST_MARKER_BYTES = 16 << 20

_MARKER = ".complete.json"
_MOST_NAME = 1024  # characters, as S3 allows


class Step(NamedTuple):
    """A checkpoint, by its folder's name."""

    stage: str
    number: int

    @property
    def name(self) -> str:
        """Of its folder, in the workdir and in the store."""
        return f"{CHECKPOINTS}/{self.stage}/{self.number}"

    @property
    def marker(self) -> str:
        """Name of the object that says that all of it is in the store."""
        return f"{self.name}{_MARKER}"


class Facts(NamedTuple):
    """Content of a file."""

    size: int
    sha256: str


class Stamp(NamedTuple):
    """What changes when a file does."""

    size: int
    mtime_ns: int


Contents = dict[str, Facts]
"""By the file's name below the folder of the checkpoint."""


def local_steps(workdir: Path) -> list[Step]:
    """Committed checkpoints, the newest of each stage first of all, then the next newest, and so on."""
    ranked = []
    for stage in _folders(workdir / CHECKPOINTS):
        numbers = sorted((int(p.name) for p in _folders(stage) if is_number(p.name)), reverse=True)
        ranked += [(rank, Step(stage.name, number)) for rank, number in enumerate(numbers)]
    return [step for _, step in sorted(ranked, key=lambda one: one[0])]


def newest(steps: Iterable[Step]) -> dict[str, int]:
    """The greatest number of each stage."""
    found: dict[str, int] = {}
    for step in steps:
        found[step.stage] = max(step.number, found.get(step.stage, 0))
    return found


def stamps(folder: Path) -> dict[str, Stamp]:
    """Of all files below a folder, by name, but for scratch files right in it.

    Those that vanish meanwhile are left out.
    """
    found = {}
    for place, folders, names in os.walk(folder):
        if Path(place) == folder:
            folders[:], names = _unhidden(folders), _unhidden(names)
        for name in names:
            path = Path(place) / name
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found[path.relative_to(folder).as_posix()] = Stamp(stat.st_size, stat.st_mtime_ns)
    return found


def records(workdir: Path) -> dict[str, Stamp]:
    """Every other file that belongs in the store, by name, DONE last."""
    found = {name: stamp for name, stamp in stamps(workdir).items() if is_record(name)}
    return dict(sorted(found.items(), key=lambda one: (one[0] == DONE, one[0])))


def is_record(name: str) -> bool:
    """Whether this is a file of a run, outside of its checkpoints, that is no scratch file."""
    first, *rest = name.split("/")
    return first not in (CHECKPOINTS, PREPARED) and _unhidden([first, *rest]) == [first, *rest]


def contents(folder: Path) -> Contents:
    """Of all files below a folder."""
    return {
        name: Facts(stamp.size, sha256(folder / name)) for name, stamp in stamps(folder).items()
    }


def marker_step(name: str) -> Step | None:
    """The checkpoint that an object marks as whole, if it is a marker."""
    step = step_of(name.removesuffix(_MARKER) + "/") if name.endswith(_MARKER) else None
    return step if step is not None and step.marker == name else None


def step_of(name: str) -> Step | None:
    """The checkpoint that an object is a part of, if any."""
    parts = name.split("/")
    if len(parts) < 4 or parts[0] != CHECKPOINTS or not is_number(parts[2]):
        return None
    return Step(parts[1], int(parts[2])) if is_safe(parts[1]) else None


def to_json(files: Contents) -> bytes:
    """The text of a marker."""
    listed = {name: facts._asdict() for name, facts in sorted(files.items())}
    return json.dumps({"files": listed}, indent=1).encode()


def from_json(text: bytes) -> Contents:
    """Reads a marker, which may come from anyone.

    Raises:
        ValueError: it is none, or names a file that would lie elsewhere.
    """
    try:
        listed = json.loads(text)["files"]
        files = {str(n): Facts(int(f["size"]), str(f["sha256"])) for n, f in listed.items()}
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its marker is no list of files") from error
    for name, facts in files.items():
        if not is_safe(name) or facts.size < 0:
            raise ValueError(f"its marker names a file {name[:80]!r}")
    if not files:
        raise ValueError("its marker names no file")
    return files


def is_safe(name: str) -> bool:
    """Whether a file of this name lies below the folder that it is put in, on any system."""
    parts = PurePosixPath(name).parts
    return (
        0 < len(name) <= _MOST_NAME
        and "/".join(parts) == name
        and not name.startswith("/")
        and not any(sign in name for sign in "\\:\0")
        and ".." not in parts
    )


def _unhidden(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith(".")]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
