"""How many fakes have a mask: by split and method, and only where it is of the fake's own frames."""

import shutil

import cv2
import numpy as np
import pytest

from jaxfake.data import coverage_text
from jaxfake.data.cropping import CropOptions
from jaxfake.data.preparation import Preparation, prepare
from jaxfake.data.sources import Wishes

FAKES = "manipulated_sequences"


@pytest.fixture
def tree(tmp_path, shared_data):
    """Two fakes of real clips, in two splits and of two manipulations."""
    return shutil.copytree(shared_data / "ffpp", tmp_path / "ffpp")


def write_mask(tree, method, name, scale):
    """White wherever one looks, of that many times the size of the fake."""
    fake = cv2.VideoCapture(str(tree / FAKES / method / "c23/videos" / name))
    sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    width, height = (int(fake.get(side)) // scale for side in sides)
    frames = int(fake.get(cv2.CAP_PROP_FRAME_COUNT))
    path = tree / FAKES / method / "masks/videos" / name
    path.parent.mkdir(parents=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))
    for _ in range(frames):
        writer.write(np.full((height, width, 3), 255, np.uint8))
    writer.release()


def test_a_fake_has_a_mask_or_is_counted_without_one(tree, shared_data, face_models, tmp_path):
    write_mask(tree, "Deepfakes", "519_515.mp4", 1)
    write_mask(tree, "NeuralTextures", "004_982.mp4", 2)  # of no use
    crops = CropOptions(size=64, frames=2, storage="png")
    wishes = Wishes(protocol=shared_data / "protocols" / "ffpp")
    counted = prepare(Preparation(tree, tmp_path / "out", crops, "ffpp", wishes)).coverage
    masked = counted.coverage["train"]["Deepfakes"]
    unmasked = counted.coverage["val"]["NeuralTextures"]
    assert (masked["found"], masked["masks"], masked["masked_crops"]) == (1, 1, 2)
    assert (unmasked["found"], unmasked["masks"], unmasked["masked_crops"]) == (1, 0, 0)
    assert "masks" not in counted.coverage["val"]["real"]
    assert said(counted, "train", "Deepfakes") == "1"
    assert said(counted, "val", "NeuralTextures") == "0"
    assert said(counted, "val", "real") == "-"


def said(counted, split, method):
    """What the printed table has below 'with a mask'."""
    heads, *rows = coverage_text.table(counted)
    end = heads.index("with a mask") + len("with a mask")
    (row,) = [row for row in rows if row.split()[:2] == [split, method]]
    return row[:end].split()[-1]
