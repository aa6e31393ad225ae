"""Every file that must not hurt, in the place of a mask or of an original: a fake loses its mask only."""

import json
import shutil
from pathlib import Path

import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import Preparation, prepare

REALS = "original_sequences/youtube/c23/videos"
FAKES = "manipulated_sequences"
METHODS = ("Deepfakes", "FaceSwap")
"""The first has masks, fakes of the second have their originals only."""


def copy(path: Path, root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, root / name)


@pytest.fixture
def tree(tmp_path, shared_data):
    """Fakes of one clip: the first pair is whole, each other has one of the bad files beside it."""
    root, clip = tmp_path / "ffpp", shared_data / "real_clips" / "cropped02.mp4"
    bad = [clip, *sorted((shared_data / "bad").iterdir())]
    pairs = [[f"{2 * n:03}", f"{2 * n + 1:03}"] for n in range(len(bad))]
    for path, (target, source) in zip(bad, pairs, strict=True):
        fake = f"{target}_{source}.mp4"
        copy(path, root, f"{REALS}/{target}.mp4")
        copy(path, root, f"{FAKES}/{METHODS[0]}/masks/videos/{fake}")
        for method in METHODS:
            copy(clip, root, f"{FAKES}/{method}/c23/videos/{fake}")
    (root / "splits").mkdir()
    for split in ("train", "val", "test"):
        text = json.dumps(pairs if split == "train" else [])
        (root / "splits" / f"{split}.json").write_text(text)
    return root


def test_a_bad_mask_or_original_costs_a_fake_its_mask_and_nothing_else(
    tree, shared_data, face_models, tmp_path
):
    bad = len(list((shared_data / "bad").iterdir()))
    crops = CropOptions(size=64, frames=3, storage="png", derive=0.1)
    result = prepare(Preparation(tree, tmp_path / "out", crops, "ffpp", workers=1))
    count = result.coverage.coverage["train"]
    for method in METHODS:
        assert count[method]["found"] == count[method]["expected"] == 1 + bad
    assert count["Deepfakes"]["masks"] == 1
    assert count["FaceSwap"]["masks"] == 0  # it is its own original: nothing differs
    assert (count["real"]["found"], count["real"]["no_face"]) == (1, 1)
    assert count["real"]["unreadable"] == bad - 1
    rows = open_split(tmp_path / "out", "train", 64)
    examples = [rows[at] for at in range(len(rows))]
    assert len(examples) == 3 * (1 + 2 * (1 + bad))
    assert len({(one.frame, one.image.tobytes()) for one in examples}) == 3
