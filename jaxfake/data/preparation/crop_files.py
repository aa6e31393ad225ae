"""The finished crops of one source file, kept in one file until the dataset is written."""

import uuid
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Status(NamedTuple):
    """What became of one source file."""

    expected: int  # frames that were to be looked at
    decoded: int  # frames that could be
    crops: int  # frames with a face
    filled: int  # of these, frames in which it was not found but filled in
    stored: int  # bytes of all crops
    failure: str  # why the file is unreadable; '' if it is not
    masked: int = 0  # crops of which it is known what was touched

    @property
    def word(self) -> str:
        """`ok`, `no_face` or `unreadable: why`, as in scores.csv."""
        if self.failure:
            return f"unreadable: {self.failure}"
        return "ok" if self.crops else "no_face"


class Unit(NamedTuple):
    """The crops of one source file, in the order of its frames (F of them)."""

    expected: int
    decoded: int
    filled: int
    frames: np.ndarray  # int32 [F]: index in the video
    landmarks: np.ndarray  # float32 [F, 68, 2], pixels of the crop
    matrices: np.ndarray  # float32 [F, 2, 3], frame to crop
    pictures: list[bytes]  # PNG, or raw uint8 RGB rows
    masks: list[bytes]  # PNG of what was touched; empty where nobody knows
    failure: str = ""

    @property
    def status(self) -> Status:
        """The unit without its crops."""
        stored = sum(map(len, [*self.pictures, *self.masks]))
        counts = self.expected, self.decoded, len(self.pictures), self.filled
        return Status(*counts, stored, self.failure, sum(map(bool, self.masks)))


def cut_short(expected: int, decoded: int) -> bool:
    """Whether a video ended early. One frame less is common: containers round their length up."""
    return decoded < expected - 1


def failed(why: str) -> Unit:
    """The unit of a file that cannot be read."""
    landmarks, matrices = np.zeros((0, 68, 2), np.float32), np.zeros((0, 2, 3), np.float32)
    return Unit(0, 0, 0, np.zeros(0, np.int32), landmarks, matrices, [], [], failure=why)


def save(path: Path, unit: Unit) -> None:
    """Writes the unit so that a kill leaves either all of it or nothing under this name."""
    # No process id in the name: two machines that share the folder may have the same.
    partial = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    with partial.open("wb") as file:
        columns: dict[str, Any] = dict(
            counts=np.array([*unit.status[:5], unit.status.masked], np.int64),
            failure=np.array(unit.failure),
            frames=unit.frames,
            landmarks=unit.landmarks,
            matrices=unit.matrices,
            **_joined("pictures", unit.pictures),
            **_joined("masks", unit.masks),
        )
        np.savez(file, **columns)
    partial.replace(path)


def load(path: Path) -> Unit:
    """Reads a unit that `load_status` has found good."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        expected, decoded, _, filled, _, _ = stored["counts"].tolist()
        return Unit(
            expected,
            decoded,
            filled,
            stored["frames"],
            stored["landmarks"],
            stored["matrices"],
            _parts("pictures", stored),
            _parts("masks", stored),
            str(stored["failure"]),
        )


def load_status(path: Path) -> Status | None:
    """The status of a stored unit; None if there is none, or a power cut has damaged it."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            expected, decoded, crops, filled, size, masked = stored["counts"].tolist()
            failure = str(stored["failure"])
            return Status(expected, decoded, crops, filled, size, failure, masked)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _joined(name: str, parts: list[bytes]) -> dict[str, np.ndarray]:
    """Byte strings as two arrays that need no pickle."""
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {name: np.frombuffer(b"".join(parts), np.uint8), f"{name}_ends": ends}


def _parts(name: str, stored: Any) -> list[bytes]:
    data, ends = stored[name].tobytes(), stored[f"{name}_ends"].tolist()
    starts = [0, *ends[:-1]] if ends else []
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]
