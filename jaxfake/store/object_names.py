"""Which files of a run's folder belong in a store, and how a complete checkpoint is recognised.

Objects in the store have the names of the files in the folder. Beside each complete checkpoint lies a
marker, `checkpoints/STAGE/STEP.complete.json`, which is written last and lists every file with size and
sha256.
"""

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from jaxfake.experiment.run_folder import CHECKPOINTS, DONE, PREPARED
from jaxfake.runtime.files import is_number, sha256

MOST_MARKER_BYTES = 2 << 20
"""The most of a marker; a file of a checkpoint takes 150 in it, and a checkpoint has some ten."""

_MARKER = ".complete.json"
_MOST_NAME = 1024  # bytes, as S3 allows
_MOST_PART = 255  # bytes between two '/', as the disks of most systems allow


class Step(NamedTuple):
    """A checkpoint, by its folder's name."""

    stage: str
    number: int

    @property
    def name(self) -> str:
        """The path of its folder in the workdir and in the store."""
        return f"{CHECKPOINTS}/{self.stage}/{self.number}"

    @property
    def marker(self) -> str:
        """The name of its marker in the store."""
        return f"{self.name}{_MARKER}"


@dataclasses.dataclass(frozen=True)
class FileInfo:
    """What identifies the content of a file."""

    size: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class FileStamp:
    """Changes whenever the file does, and costs no reading of it."""

    size: int
    mtime_ns: int


Contents = dict[str, FileInfo]
"""The files of a checkpoint by their names below its folder."""


def local_steps(workdir: Path) -> list[Step]:
    """The committed checkpoints: first the newest of every stage, then the next newest, and so on."""
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


def file_stamps(folder: Path) -> dict[str, FileStamp]:
    """The stamps of all files below a folder, by name, without hidden files at its top level.

    Files that vanish meanwhile are left out.
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
            found[path.relative_to(folder).as_posix()] = FileStamp(stat.st_size, stat.st_mtime_ns)
    return found


def run_files(workdir: Path) -> dict[str, FileStamp]:
    """The files outside of checkpoints that belong in the store, by name, DONE last."""
    found = {name: stamp for name, stamp in file_stamps(workdir).items() if is_run_file(name)}
    return dict(sorted(found.items(), key=lambda one: (one[0] == DONE, one[0])))


def is_run_file(name: str) -> bool:
    """Whether a name is of a file outside of the checkpoints that belongs in the store."""
    first, *rest = name.split("/")
    return first not in (CHECKPOINTS, PREPARED) and _unhidden([first, *rest]) == [first, *rest]


def file_infos(folder: Path) -> Contents:
    """Size and digest of all files below a folder, by name."""
    return {
        name: FileInfo(stamp.size, sha256(folder / name))
        for name, stamp in file_stamps(folder).items()
    }


def step_of_marker(name: str) -> Step | None:
    """The checkpoint of a marker; None if the object is not a marker."""
    step = step_of_object(name.removesuffix(_MARKER) + "/") if name.endswith(_MARKER) else None
    return step if step is not None and step.marker == name else None


def step_of_object(name: str) -> Step | None:
    """The checkpoint that an object is part of; None if it is not part of one."""
    parts = name.split("/")
    if len(parts) < 4 or parts[0] != CHECKPOINTS or not is_number(parts[2]):
        return None
    return Step(parts[1], int(parts[2])) if is_safe(parts[1]) else None


def to_json(files: Contents) -> bytes:
    """The text of a marker."""
    listed = {name: dataclasses.asdict(info) for name, info in sorted(files.items())}
    return json.dumps({"files": listed}, indent=1).encode()


def from_json(text: bytes) -> Contents:
    """Reads a marker, without trusting it.

    Raises:
        ValueError: it is not a marker, or names a file that would lie outside the folder.
    """
    try:
        listed = json.loads(text)["files"]
        files = {str(n): FileInfo(int(f["size"]), str(f["sha256"])) for n, f in listed.items()}
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("its marker is not a list of files") from error
    folders = folders_of(files)
    for name, info in files.items():
        if not is_safe(name) or info.size < 0 or name in folders:
            raise ValueError(f"its marker names a file {name[:80]!r}")
    if not files:
        raise ValueError("its marker names no file")
    return files


def folders_of(names: Iterable[str]) -> set[str]:
    """The folders that files of these names need; no file can have such a name."""
    return {str(above) for name in names for above in PurePosixPath(name).parents}


def is_safe(name: str) -> bool:
    """Whether a file of this name can be, and stays inside its folder, on any operating system."""
    parts = PurePosixPath(name).parts
    return (
        0 < _length(name) <= _MOST_NAME
        and max(map(_length, parts), default=0) <= _MOST_PART
        and "/".join(parts) == name
        and not name.startswith("/")
        and not any(character in name for character in "\\:\0")
        and ".." not in parts
    )


def _length(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))


def _unhidden(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith(".")]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
