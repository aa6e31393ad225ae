"""Collections of faces that are read by row: a prepared dataset, or a list in memory."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from jaxfake.schema import Example


class Faces(Protocol):
    """A collection of faces, as scoring needs it."""

    def __len__(self) -> int:
        """The number of faces."""

    def __getitem__(self, row: int) -> Example:
        """One face. Its arrays must not be changed."""

    def name(self, row: int) -> str:
        """A name of one face for messages."""


@dataclasses.dataclass(frozen=True)
class ExampleList:
    """Faces in memory, such as the crops of a user's file."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        """The number of faces."""
        return len(self.examples)

    def __getitem__(self, row: int) -> Example:
        """One face."""
        return self.examples[row]

    def name(self, row: int) -> str:
        """A name of one face for messages."""
        face = self.examples[row]
        return face_name(face.dataset, face.method, face.video_id, face.frame)


def face_name(dataset: str, method: str, video_id: str, frame: int) -> str:
    """A name of a face for messages."""
    return f"{dataset}/{method}/{video_id} frame {frame}"
