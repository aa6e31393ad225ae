"""The TFDS dataset that is made of finished crops."""

import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxfake import schema
from jaxfake.data import records
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation import tfds_builder as builder

SIZE = 32


def items(folder, storage):
    made = []
    for n, label in enumerate([schema.REAL, schema.FAKE, schema.REAL]):
        rng = np.random.default_rng(n)
        crops = rng.integers(0, 256, (n + 1, SIZE, SIZE, 3), dtype=np.uint8)
        stored = [crop.tobytes() for crop in crops]
        if storage == "png":
            stored = [cv2.imencode(".png", crop[..., ::-1])[1].tobytes() for crop in crops]
        points = rng.normal(size=(n + 1, 68, 2)).astype(np.float32)
        frames, matrices = np.arange(n + 1, dtype=np.int32) * 7, rng.normal(size=(n + 1, 2, 3))
        mask = cv2.imencode(".png", np.full((SIZE, SIZE), 255, np.uint8))[1].tobytes()
        masks = [mask if label == schema.FAKE and not frame else b"" for frame in range(n + 1)]
        encoded = crop_files.EncodedCrops(
            n + 1, n + 1, 0, frames, points, matrices.astype(np.float32), stored, masks
        )
        crop_files.save(folder / f"{n}.npz", encoded)
        method = "real" if label == schema.REAL else "Deepfakes"
        source = SourceFile(folder / f"{n}.mp4", f"{n}.mp4", label, method, f"person {n}", f"{n}")
        made.append(
            (builder.CroppedFile(source, folder / f"{n}.npz", encoded.status.stored), crops, points)
        )
    return made


@pytest.mark.parametrize("storage", ["png", "raw"])
def test_what_was_cropped_is_read_back_pixel_by_pixel(tmp_path, storage, monkeypatch):
    monkeypatch.setattr(builder, "_SHARD_BYTES", 5000)  # several shards
    content = items(tmp_path, storage)
    plan = builder.DatasetPlan(
        "mine", SIZE, storage, {"train": [item for item, _, _ in content], "test": [content[0][0]]}
    )
    reports = []
    folder = builder.write(tmp_path / "out", plan, lambda: reports.append(1))
    assert len(reports) == 4
    assert len(list(folder.glob("*train*"))) > 1
    opened = tfds.builder_from_directory(folder)
    raw = {key: tfds.decode.SkipDecoding() for key in (schema.IMAGE, schema.FORGERY_MASK)}
    source = opened.as_data_source("train", decoders=raw if storage == "png" else None)
    examples = [records.decode(source[row]) for row in range(len(source))]
    row = 0
    for item, crops, points in content:
        for frame, (crop, landmarks) in enumerate(zip(crops, points, strict=True)):
            example = examples[row]
            np.testing.assert_array_equal(example.image, crop)
            np.testing.assert_array_equal(example.landmarks, landmarks)
            known = item.source.label == schema.FAKE and frame == 0
            assert (example.forgery_mask == 255 * known).all()
            assert example.has_mask == (known or item.source.label == schema.REAL)
            assert example.matrix.shape == (2, 3)
            assert (example.label, example.method) == (item.source.label, item.source.method)
            assert (example.dataset, example.frame) == ("mine", frame * 7)
            assert (example.video_id, example.identity) == (
                item.source.video_id,
                item.source.identity,
            )
            row += 1
    assert row == len(examples)


def test_the_same_crops_make_the_same_bytes(tmp_path):
    plan = builder.DatasetPlan(
        "mine", SIZE, "png", {"train": [item for item, _, _ in items(tmp_path, "png")]}
    )
    folders = [builder.write(tmp_path / name, plan, lambda: None) for name in ("a", "b")]
    first, second = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in folders)
    assert first == second
