"""Perturbed faces are those of the dataset, and every level is compared with the undisturbed videos."""

import dataclasses
import json

import numpy as np
import pytest

from jaxfake.data import records
from jaxfake.evaluation.evidence.robustness.measured import (
    RobustnessTask,
    measure_robustness,
    robustness_json,
)
from jaxfake.evaluation.evidence.robustness.perturbations import PERTURBATIONS, Clip
from jaxfake.evaluation.evidence.robustness.perturbed_faces import PerturbedFaces
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.predict import FrameScores
from jaxfake.faces import align
from jaxfake.reporting.scores.robustness_section import robustness_section
from jaxfake.runtime.errors import InputError
from tests.in_memory import SIDE, build_dataset

VIDEOS = [(m, f"{n:02}", label, 3) for label, m in enumerate(("real", "lips")) for n in range(12)]


class Frames:
    """Frames of 50 x 60 pixels, which the crops were cut out of."""

    def __init__(self, seed=0):
        self.picture = np.random.default_rng(seed).integers(0, 256, (50, 60, 3)).astype(np.uint8)
        self.matrix = np.array([[0.4, 0.05, -2.0], [-0.05, 0.4, -1.0]], np.float32)

    def of(self, faces, row):
        return self.picture

    def crop(self, picture):
        return align.warp(picture, self.matrix.astype(np.float64), SIDE)


def by_noise(faces, rows, heats):
    """A detector that takes the roughness of a face for what tells fakes; it adds what it knows by row."""
    rough = np.array(
        [np.abs(np.diff(faces[int(r)].image.astype(float), axis=0)).mean() for r in rows]
    )
    own = np.random.default_rng(0).normal(size=100)[rows % 100]
    return FrameScores(np.asarray(rows), rough + 12 * own, {})


@pytest.fixture
def task():
    faces = build_dataset(VIDEOS)
    label = faces.index.label
    smooth = [
        records.encode(faces[n]._replace(image=faces[n].image // (1 if label[n] else 2)), "raw")
        for n in range(len(faces))
    ]
    faces = dataclasses.replace(faces, source=smooth)
    rows = np.random.default_rng(1).permutation(len(faces))
    return RobustnessTask(faces, rows, None, by_noise, None, "mean", Bootstrap(20, 0))


def test_each_level_is_compared_with_the_undisturbed_videos(task):
    result = measure_robustness(task, ("blur", "contrast"))
    assert result.applied_to == "crop"
    assert result.clean.value > 0.99
    for levels in result.levels.values():
        assert [one.level for one in levels] == [1, 2, 3, 4, 5]
    strongest = result.levels["contrast"][-1]
    assert strongest.auc.n_real == strongest.auc.n_fake == 12
    assert strongest.auc.value < 1.0
    assert strongest.change.value == pytest.approx(strongest.auc.value - result.clean.value)
    assert strongest.change.ci95.low <= strongest.change.value <= strongest.change.ci95.high
    fields = robustness_json(result)
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    assert fields["perturbations"]["blur"]["levels"][0]["parameter"] == 0.5
    section = robustness_section(result)
    assert [block.title for block in section.blocks] == ["AUC by level", "blur", "contrast"]
    assert "The crops were perturbed" in section.paragraphs[1]


def test_only_the_picture_changes(task):
    faces = PerturbedFaces(task.faces, PERTURBATIONS["jpeg"], 5, None)
    assert len(faces) == len(task.faces)
    for row in (0, 40, 71):
        ours, before = faces[row], task.faces[row]
        assert faces.name(row) == task.faces.name(row)
        assert not np.array_equal(ours.image, before.image)
        for name in set(ours._fields) - {"image"}:
            np.testing.assert_array_equal(getattr(ours, name), getattr(before, name))
    again = PerturbedFaces(task.faces, PERTURBATIONS["jpeg"], 5, None)
    for row in reversed(range(len(again))):  # whatever the order of reading
        np.testing.assert_array_equal(again[row].image, faces[row].image)


def test_rows_are_read_video_by_video_in_time(task):
    faces = PerturbedFaces(task.faces, PERTURBATIONS["h264"], 1, None)
    rows, at = faces.in_order(task.rows), task.faces.index
    keys = [(at.method[r], at.video_id[r], at.frame[r]) for r in rows]
    assert keys == sorted(keys)
    assert sorted(rows) == list(range(len(task.faces)))


def test_frames_are_perturbed_before_the_crop_is_cut(task):
    frames = Frames()
    stored = [
        records.encode(
            task.faces[n]._replace(image=frames.crop(frames.picture), matrix=frames.matrix), "raw"
        )
        for n in range(len(task.faces))
    ]
    data = dataclasses.replace(task.faces, source=stored)
    same = dataclasses.replace(PERTURBATIONS["contrast"], parameters=(1.0,) * 5)
    np.testing.assert_array_equal(PerturbedFaces(data, same, 1, frames)[0].image, data[0].image)
    kind = PERTURBATIONS["jpeg"]
    ours = PerturbedFaces(data, kind, 4, frames)[0].image
    (whole,) = kind.apply(clip_of(frames.picture), kind.parameters[3])
    np.testing.assert_array_equal(ours, frames.crop(whole))
    assert not np.array_equal(ours, PerturbedFaces(data, kind, 4, None)[0].image)


def clip_of(picture):
    return Clip([picture], 1.0, [np.full((68, 2), np.nan)], 0)


def test_a_frame_that_is_gone_is_named(task):
    class Gone:
        def of(self, faces, row):
            return None

    with pytest.raises(InputError, match="toys/real/00 frame 0 cannot be read any more"):
        PerturbedFaces(task.faces, PERTURBATIONS["jpeg"], 1, Gone())[0]
