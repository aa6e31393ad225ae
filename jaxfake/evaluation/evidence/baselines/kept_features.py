"""Features that were computed so far, a file for each batch: a kill does not lose minutes of them."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded, write_atomically

_MOST_BYTES = 1 << 28
"""Of a file: 4,096 faces of 16,384 features."""

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclasses.dataclass(frozen=True)
class KeptFeatures:
    """The features of some faces by one network.

    A file is a digest and an array of float32 of this machine. One of other faces, another network or
    other batches has another digest, and so has a damaged one.

    Attributes:
        folder: of the files.
        contents: which features they are: a text that is the same only for the same ones.
    """

    folder: Path
    contents: str

    def read(self, number: int, faces: int) -> np.ndarray | None:
        """Features of batch `number`, float32 [faces, W]; None if they are not there, or not these."""
        try:
            stored = read_bounded(self._file(number), _MOST_BYTES)
        except (FileNotFoundError, InputError):
            return None
        digest, values = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        if not values or len(values) % (4 * faces) or digest != self._digest(number, values):
            return None
        return np.frombuffer(values, np.float32).reshape(faces, -1)

    def write(self, number: int, features: np.ndarray) -> None:
        """Keeps those of batch `number`, float32 [faces, W]."""
        self.folder.mkdir(parents=True, exist_ok=True)
        values = features.tobytes()
        write_atomically(self._file(number), self._digest(number, values) + values)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}.float32"

    def _digest(self, number: int, values: bytes) -> bytes:
        return hashlib.sha256(f"{self.contents}, batch {number}\n".encode() + values).digest()
