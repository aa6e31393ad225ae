"""What is planned and compiled before any data is read fits the data."""

from pathlib import Path

from jaxfake import schema
from jaxfake.data import pipeline
from jaxfake.data.dataset import open_split
from jaxfake.train.abstract_batch import abstract_batch
from tests.tiny import TINY


def test_the_shapes_are_those_of_a_real_batch(tiny_root: Path) -> None:
    faces = open_split(tiny_root, "train", TINY)
    views = pipeline.Augmentation(0.9, 0.5)
    batch = pipeline.training_batches(faces, (schema.REAL, schema.FAKE), 8, 0, views)[0]
    there = {name: (value.shape, value.dtype) for name, value in batch.items()}
    planned = {name: (leaf.shape, leaf.dtype) for name, leaf in abstract_batch(TINY, 8).items()}
    assert planned == there
