"""The same examples, the same bytes: TFDS alone does not promise that."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow_datasets as tfds
from tensorflow_datasets.proto import tf_example_pb2

from jaxfake.data.records import FILE_FORMAT


class StableWriter(tfds.core.ExampleWriter):
    """Writes the fields of an example in the order of their names.

    TFDS leaves the order to protobuf's hash maps, which draw it anew in every process. For the
    `_example_writer` of a builder.
    """

    def __init__(self) -> None:
        super().__init__(tfds.core.FileFormat(FILE_FORMAT))

    def write(self, path: Path, examples: Iterable[tuple[int, bytes]]) -> None:
        """Writes one shard of serialised examples."""
        super().write(path, _ordered(examples))


def _ordered(examples: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for key, data in examples:
        example = tf_example_pb2.Example.FromString(data)
        yield key, example.SerializeToString(deterministic=True)
