"""Toy faces to forge: a split of real faces and a few fakes, and faces in memory."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.data.forgeries.forgery import Face
from jaxfake.data.toyfaces import builder
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces
from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.latents import Expression, draw_identity
from jaxfake.data.toyfaces.render import render

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
    """Faces at rest of six people, 96 pixels, with the landmarks of what is drawn."""
    drawn = []
    for person in range(10, 16):
        rng = np.random.default_rng(person)
        scene = draw_clip(rng, draw_identity(rng), 1).scenes()[0]
        at_rest = dataclasses.replace(scene, expression=Expression(0, 0, 0), deviations={})
        face = render(at_rest, 96)
        drawn.append(Face(face.image.astype(np.uint8), face.landmarks))
    return drawn
