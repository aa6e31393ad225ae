"""A TFDS writer that writes the same bytes for the same examples, which TFDS does not promise."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow_datasets as tfds
from tensorflow_datasets.proto import tf_example_pb2

from jaxfake.data.records import FILE_FORMAT


class DeterministicWriter(tfds.core.ExampleWriter):
    """Writes the fields of an example in the order of their names. For `_example_writer` of a builder.

    TFDS leaves the order to protobuf's hash maps, where it differs from process to process.
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
