"""The index of a split says what the records say, or is refused, or is made again."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from jaxfake.data import split_index
from jaxfake.data.dataset import FaceDataset, Index, open_split
from jaxfake.runtime.errors import InputError
from tests.tiny import TINY


@pytest.fixture
def faces(tiny_root: Path, tmp_path: Path) -> FaceDataset:
    """The test split of a copied dataset, which has been opened once."""
    return open_split(Path(shutil.copytree(tiny_root, tmp_path / "tiny")), "test", TINY)


def _again(faces: FaceDataset) -> FaceDataset:
    return open_split(faces.folder, "test", TINY)


def _written(faces: FaceDataset, **columns: np.ndarray) -> None:
    np.savez(faces.folder / "index-test.npz", **(faces.index._asdict() | columns))


@pytest.mark.parametrize("row", [0, 3, 31])
@pytest.mark.parametrize("label", [1, 0, 7, -1])
def test_a_label_that_the_record_does_not_have_is_refused(
    row: int, label: int, faces: FaceDataset
) -> None:
    labels = faces.index.label.copy()
    was, labels[row] = labels[row], label
    _written(faces, label=labels)
    if label == was:
        assert _again(faces).index.label.tolist() == faces.index.label.tolist()
        return
    expected = rf"has label {was}, where the index says {label}: delete .*index-test.npz, and it is"
    with pytest.raises(InputError, match=expected):
        _again(faces)


def test_swapped_names_are_refused_too(faces: FaceDataset) -> None:
    for name in ("method", "dataset", "video_id", "identity", "frame"):
        column = getattr(faces.index, name)
        other = column.copy()
        other[1] = 9 if name == "frame" else "x"
        _written(faces, **{name: other})
        with pytest.raises(InputError, match=f"has {name} {column[1]}, where the index says"):
            _again(faces)


def _bomb(path: Path) -> None:
    """Columns that claim more rows than there are, of zeros."""
    zeros = np.zeros(1 << 22, np.int32)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in Index._fields:
            content = io.BytesIO()
            np.lib.format.write_array(content, zeros)
            archive.writestr(f"{name}.npy", content.getvalue())


DAMAGE: dict[str, Callable[[Path, Index], Any]] = {
    "missing": lambda path, index: path.unlink(),
    "cut": lambda path, index: path.write_bytes(path.read_bytes()[:500]),
    "empty": lambda path, index: path.write_bytes(b""),
    "short": lambda path, index: np.savez(path, **(index._asdict() | {"label": index.label[:-1]})),
    "nan": lambda path, index: np.savez(
        path, **(index._asdict() | {"label": np.full(len(index.label), np.nan)})
    ),
    "no label": lambda path, index: np.savez(path, method=index.method),
    "objects": lambda path, index: np.savez(path, label=np.array([{}, 1], object)),
    "bomb": lambda path, index: _bomb(path),
    "lzma": lambda path, index: _compressed_otherwise(path),
    "pipe": lambda path, index: (path.unlink(), os.mkfifo(path)),
}


def _compressed_otherwise(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_index_that_is_not_one_is_made_again(damage: str, faces: FaceDataset) -> None:
    path = faces.folder / "index-test.npz"
    whole = path.read_bytes()
    DAMAGE[damage](path, faces.index)
    again = _again(faces)
    for name in Index._fields:
        np.testing.assert_array_equal(getattr(again.index, name), getattr(faces.index, name))
    assert again.digest == faces.digest
    assert path.read_bytes() == whole


def test_what_it_may_take_in_memory_is_bounded_by_the_records(
    faces: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_index, "_SPARE", -(1 << 40))
    assert split_index._stored(faces.folder / "index-test.npz", len(faces), {}) is None


def test_records_are_compared_once_and_not_at_every_opening(
    faces: FaceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    whole = split_index.difference
    monkeypatch.setattr(
        split_index,
        "difference",
        lambda index, row, one: compared.append(row) or whole(index, row, one),
    )
    _again(faces)
    assert len(compared) == 16
    (faces.folder / "index_test.sha256").unlink()
    _again(faces)
    assert len(compared) == 16 + len(faces)
    _again(faces)
    assert len(compared) == 16 + len(faces) + 16


def test_a_record_that_is_read_is_compared(faces: FaceDataset) -> None:
    labels = faces.index.label.copy()
    labels[5] ^= 1
    deceived = FaceDataset(
        faces.folder, "test", TINY, faces.source, faces.index._replace(label=labels)
    )
    assert deceived[4].label == labels[4]
    with pytest.raises(InputError, match=r"frame 1 has label 1, where the index says 0"):
        deceived[5]


def _read_all(faces: FaceDataset) -> None:
    opened = _again(faces)
    for row in range(len(opened)):
        opened[row]


def test_a_damaged_record_is_named(faces: FaceDataset) -> None:
    shard = next(path for path in faces.folder.glob("*-test.array_record*"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 0x10
    shard.write_bytes(data)
    with pytest.raises(InputError, match=r"split 'test' of .* is damaged, prepare it again: ."):
        _read_all(faces)


def test_a_picture_of_another_size_is_not_decoded_or_not_taken(faces: FaceDataset) -> None:
    record = dict(faces.source[0])
    for side, why in ((TINY * 2, "has pictures of"), (4096, "not a PNG of at most 2048 pixels")):
        picture = cv2.imencode(".png", np.zeros((side, 4, 3), np.uint8))[1].tobytes()
        planted = FaceDataset(
            faces.folder, "test", TINY, [record | {"image": picture}], faces.index
        )
        with pytest.raises(InputError, match=rf"record 0 of split 'test' .*{why}"):
            planted[0]


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json", "shard"])
def test_a_pipe_among_its_files_is_not_waited_for(name: str, faces: FaceDataset) -> None:
    shard = next(path for path in faces.folder.glob("*-train.array_record*"))
    path = shard if name == "shard" else faces.folder / name
    if name == "features.json":
        content = json.loads(path.read_text()) | {"padding": "." * (4 << 20)}
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"features.json has more than \d+ bytes"):
            _again(faces)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match=f"{path.name} is a pipe"):
        _again(faces)
