"""The encoded crops of one source file, kept in a file of their own until the dataset is written.

A crop file is an NPZ archive without compression, whose comment, its last 64 bytes, is the sha256 of all
bytes before it. A file with one bit wrong, or without its end, counts as missing and is made again.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jaxfake.data.preparation.source_facts.attributes import NOT_MEASURED, FileAttributes
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, write_atomically

_DIGEST_LENGTH = 64  # characters of a sha256
_PIECE = 1 << 20  # bytes that are hashed at once
_DAMAGE = (OSError, InputError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile)


class DamagedCropFile(Exception):
    """A crop file is missing, or differs from what was saved. The text names it and says why."""


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
    manipulated: int = 0  # of these, crops in which it covers any of the face
    content: str = ""  # digest of everything that the crops were made from; '' if it is not known
    passing: bool = False  # the failure is of the moment: the source is gone, or changed meanwhile
    hashes: bytes = b""  # of `picture_hash.hash_picture`, one for each hashed frame
    attributes: FileAttributes = NOT_MEASURED
    remark: str = ""  # what of the file was left out, as coverage.json says it; '' if nothing was
    mask_refusal: str = ""  # why no crop has a mask although the file has one, or an original

    @property
    def finished(self) -> bool:
        """Whether this is a result to keep. A file that could not be read may be readable later."""
        return not self.failure

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
    manipulated: int = 0  # crops in which the mask covers any of the face
    failure: str = ""
    content: str = ""  # digest of everything that the crops were made from; '' if it is not known
    passing: bool = False  # the failure is of the moment: the source is gone, or changed meanwhile
    hashes: bytes = b""  # of `picture_hash.hash_picture`, one for each hashed frame
    attributes: FileAttributes = NOT_MEASURED
    remark: str = ""  # what of the file was left out, as coverage.json says it; '' if nothing was
    mask_refusal: str = ""  # why a mask, or an original, could not be used for a frame

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
            manipulated=self.manipulated,
            content=self.content,
            passing=self.passing,
            hashes=self.hashes,
            attributes=self.attributes,
            remark=self.remark,
            mask_refusal="" if any(self.masks) else self.mask_refusal,
        )


def ended_early(expected: int, decoded: int) -> bool:
    """Whether a video ended early. One missing frame is common: containers round their length up."""
    return decoded < expected - 1


def failed(reason: str, passing: bool = False) -> EncodedCrops:
    """The result for a file that cannot be read."""
    return EncodedCrops(
        expected=0,
        decoded=0,
        filled=0,
        frames=np.zeros(0, np.int32),
        landmarks=np.zeros((0, 68, 2), np.float32),
        matrices=np.zeros((0, 2, 3), np.float32),
        pictures=[],
        masks=[],
        failure=reason,
        passing=passing,
    )


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
        status.manipulated,
        status.passing,
    ]
    columns: dict[str, Any] = dict(
        counts=np.array(counts, np.int64),
        failure=np.array(crops.failure),
        content=np.array(crops.content),
        hashes=np.frombuffer(crops.hashes, np.uint8),
        attributes=np.array(json.dumps(crops.attributes)),
        remark=np.array(crops.remark),
        mask_refusal=np.array(status.mask_refusal),
        frames=crops.frames,
        landmarks=crops.landmarks,
        matrices=crops.matrices,
        **_joined("pictures", crops.pictures),
        **_joined("masks", crops.masks),
    )
    write_atomically(path, _sealed(columns))


def load(path: Path) -> EncodedCrops:
    """Reads a crop file.

    Raises:
        DamagedCropFile: it is missing, or differs from what was saved.
    """
    with _opened(path) as stored:
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
            manipulated=status.manipulated,
            failure=status.failure,
            content=status.content,
            passing=status.passing,
            hashes=status.hashes,
            attributes=status.attributes,
            remark=status.remark,
            mask_refusal=status.mask_refusal,
        )


def load_status(path: Path) -> CropStatus | None:
    """The status in a crop file, all of which is checked; None if it is missing or damaged."""
    try:
        with _opened(path) as stored:
            return _status(stored)
    except DamagedCropFile:
        return None


def _sealed(columns: dict[str, Any]) -> bytes:
    """The content of a crop file."""
    archive = io.BytesIO()
    np.savez(archive, **columns)
    with zipfile.ZipFile(archive, "a") as written:
        written.comment = bytes(_DIGEST_LENGTH)  # the archive names its length
    unsealed = archive.getvalue()[:-_DIGEST_LENGTH]
    return unsealed + hashlib.sha256(unsealed).hexdigest().encode()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The arrays of a crop file, all of which has been checked; each is read when it is asked for."""
    try:
        with open_regular(path) as file:
            _check_seal(file)
            with np.load(file, allow_pickle=False) as stored:
                if any(one.compress_type != zipfile.ZIP_STORED for one in stored.zip.infolist()):
                    raise ValueError("its arrays are compressed")  # and of any size
                yield stored
    except _DAMAGE as error:
        raise DamagedCropFile(f"crop file {path} is missing or damaged ({error})") from error


def _check_seal(file: BinaryIO) -> None:
    left = file.seek(0, io.SEEK_END) - _DIGEST_LENGTH
    file.seek(0)
    digest = hashlib.sha256()
    while left > 0:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise ValueError("its end is missing")
        digest.update(piece)
        left -= len(piece)
    if file.read() != digest.hexdigest().encode():
        raise ValueError("it differs from what was saved")
    file.seek(0)


def _status(stored: Any) -> CropStatus:
    expected, decoded, crops, filled, size, masked, manipulated, passing = stored["counts"].tolist()
    return CropStatus(
        expected=expected,
        decoded=decoded,
        crops=crops,
        filled=filled,
        stored=size,
        failure=str(stored["failure"]),
        masked=masked,
        manipulated=manipulated,
        content=str(stored["content"]),
        passing=bool(passing),
        hashes=stored["hashes"].tobytes(),
        attributes=FileAttributes(*json.loads(str(stored["attributes"]))),
        remark=str(stored["remark"]),
        mask_refusal=str(stored["mask_refusal"]),
    )


def _joined(name: str, parts: list[bytes]) -> dict[str, np.ndarray]:
    """Byte strings as two arrays that need no pickle."""
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {name: np.frombuffer(b"".join(parts), np.uint8), f"{name}_ends": ends}


def _split(name: str, stored: Any) -> list[bytes]:
    """The byte strings of `_joined`."""
    data, ends = stored[name].tobytes(), stored[f"{name}_ends"].tolist()
    starts = [0, *ends[:-1]] if ends else []
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]
