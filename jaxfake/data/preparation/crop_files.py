"""The encoded crops of one source file, kept in a file of their own until the dataset is written."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake.runtime.files import write_atomically


@dataclass(frozen=True)
class CropStatus:
    """How the preparation of one source file ended."""

    expected: int  # frames that were chosen
    decoded: int  # of these, frames that could be decoded
    crops: int  # of these, frames with a face
    filled: int  # of these, frames whose landmarks were interpolated between two others
    stored: int  # bytes of all crops
    failure: str  # why the file is unreadable; '' if it is not
    masked: int = 0  # crops with a known forgery mask

    @property
    def word(self) -> str:
        """`ok`, `no_face` or `unreadable: why`, as in scores.csv."""
        if self.failure:
            return f"unreadable: {self.failure}"
        return "ok" if self.crops else "no_face"


@dataclass(frozen=True)
class EncodedCrops:
    """The encoded crops of one source file, in the order of its frames (F of them)."""

    expected: int
    decoded: int
    filled: int
    frames: np.ndarray  # int32 [F]: index in the video
    landmarks: np.ndarray  # float32 [F, 68, 2], pixels of the crop
    matrices: np.ndarray  # float32 [F, 2, 3], frame to crop
    pictures: list[bytes]  # PNG, or raw uint8 RGB rows
    masks: list[bytes]  # forgery mask as PNG; empty if unknown
    failure: str = ""

    @property
    def status(self) -> CropStatus:
        """The counts of these crops."""
        return CropStatus(
            expected=self.expected,
            decoded=self.decoded,
            crops=len(self.pictures),
            filled=self.filled,
            stored=sum(map(len, [*self.pictures, *self.masks])),
            failure=self.failure,
            masked=sum(map(bool, self.masks)),
        )


def ended_early(expected: int, decoded: int) -> bool:
    """Whether a video ended early. One missing frame is common: containers round their length up."""
    return decoded < expected - 1


def failed(reason: str) -> EncodedCrops:
    """The result for a file that cannot be read."""
    landmarks, matrices = np.zeros((0, 68, 2), np.float32), np.zeros((0, 2, 3), np.float32)
    return EncodedCrops(0, 0, 0, np.zeros(0, np.int32), landmarks, matrices, [], [], failure=reason)


def save(path: Path, crops: EncodedCrops) -> None:
    """Writes a crop file in one step."""
    status = crops.status
    counts = [
        status.expected,
        status.decoded,
        status.crops,
        status.filled,
        status.stored,
        status.masked,
    ]
    columns: dict[str, Any] = dict(
        counts=np.array(counts, np.int64),
        failure=np.array(crops.failure),
        frames=crops.frames,
        landmarks=crops.landmarks,
        matrices=crops.matrices,
        **_joined("pictures", crops.pictures),
        **_joined("masks", crops.masks),
    )
    content = io.BytesIO()
    np.savez(content, **columns)
    write_atomically(path, content.getvalue())


def load(path: Path) -> EncodedCrops:
    """Reads a crop file that `load_status` has found good."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        status = _status(stored)
        return EncodedCrops(
            expected=status.expected,
            decoded=status.decoded,
            filled=status.filled,
            frames=stored["frames"],
            landmarks=stored["landmarks"],
            matrices=stored["matrices"],
            pictures=_split("pictures", stored),
            masks=_split("masks", stored),
            failure=status.failure,
        )


def load_status(path: Path) -> CropStatus | None:
    """The status in a crop file; None if there is no such file, or a power cut has damaged it."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return _status(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _status(stored: Any) -> CropStatus:
    expected, decoded, crops, filled, size, masked = stored["counts"].tolist()
    return CropStatus(expected, decoded, crops, filled, size, str(stored["failure"]), masked)


def _joined(name: str, parts: list[bytes]) -> dict[str, np.ndarray]:
    """Byte strings as two arrays that need no pickle."""
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {name: np.frombuffer(b"".join(parts), np.uint8), f"{name}_ends": ends}


def _split(name: str, stored: Any) -> list[bytes]:
    """The byte strings of `_joined`."""
    data, ends = stored[name].tobytes(), stored[f"{name}_ends"].tolist()
    starts = [0, *ends[:-1]] if ends else []
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]
