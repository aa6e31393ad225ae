"""Toy faces to forge: a split of real faces and a few fakes, and faces in memory."""

from pathlib import Path

import pytest

from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.data.forgeries.forgery import Face
from jaxfake.data.toyfaces import builder
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces, examples

SIZE = 64

FEW = ToyFaces(
    size=SIZE,
    train=SplitSize(identities=12, forgeries=1, frames=2),
    val=SplitSize(identities=4, frames=1),
    test=SplitSize(identities=4, frames=1),
)


@pytest.fixture(scope="package")
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builder.build(tmp_path_factory.mktemp("toy"), FEW)


@pytest.fixture(scope="package")
def train(toy_root: Path) -> FaceDataset:
    return open_split(toy_root, "train", SIZE)


@pytest.fixture(scope="package")
def people() -> list[Face]:
    """Real faces of six people, 96 pixels."""
    options = ToyFaces(size=96, test=SplitSize(identities=6, forgeries=0, frames=1))
    return [Face(one.image, one.landmarks) for one in examples(options, "test")]
