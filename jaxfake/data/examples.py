"""Faces that can be read by row, wherever they are: in a prepared dataset, or made in memory."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from jaxfake.schema import Example


class Faces(Protocol):
    """What scoring needs of a collection of faces."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, row: int) -> Example:
        """One of them; its arrays are not to be written to."""

    def name(self, row: int) -> str:
        """One of them in words, for messages."""


@dataclasses.dataclass(frozen=True)
class ExampleList:
    """Faces in memory, such as the crops of a file that a person names."""

    examples: Sequence[Example]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.examples)

    def __getitem__(self, row: int) -> Example:
        """One of them."""
        return self.examples[row]

    def name(self, row: int) -> str:
        """One of them in words, for messages."""
        return face_name(self.examples[row])


def face_name(face: Example) -> str:
    """A face in words, for messages."""
    return f"{face.dataset}/{face.method}/{face.video_id} frame {face.frame}"
