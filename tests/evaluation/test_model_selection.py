"""Selection of a state by AUC, and by Dice where the heat map has a threshold."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data import records
from jaxfake.evaluation.model_selection import by_validation
from jaxfake.models.method import Prediction
from tests.in_memory import SIDE


@dataclasses.dataclass(frozen=True)
class Bright:
    """Scores faces by their brightness; its heat map is a parameter."""

    heat_threshold: float | None

    def predict(self, params, batch, keys):
        light = batch[schema.IMAGE].astype(jnp.float32).mean((1, 2, 3)) / 255 - 0.5
        heat = jnp.broadcast_to(params["map"], (light.shape[0], SIDE, SIDE))
        return Prediction(0.5 + params["sign"] * light, heat, None, None, {})


@pytest.fixture
def val(make_dataset):
    """Fakes are bright, and manipulated in their upper half."""
    faces = make_dataset([("real", "a", 0, 2), ("eyes", "a", 1, 2), ("lips", "b", 1, 1)])
    upper = np.zeros((SIDE, SIDE), np.uint8)
    upper[: SIDE // 2] = 255
    stored = []
    for row in range(len(faces)):
        face = faces[row]
        fake = bool(face.label)
        image = np.full_like(face.image, 200 if fake else 50)
        mask = upper if fake else np.zeros_like(upper)
        face = face._replace(image=image, forgery_mask=mask, has_mask=True)
        stored.append(records.encode(face, "raw"))
    return dataclasses.replace(faces, split="val", source=stored)


def chosen_by(val, scoring, threshold, sign, height):
    heat = np.where(np.arange(SIDE)[:, None] < height, np.float32(0.9), np.float32(0.1))
    selection = by_validation(Bright(threshold), val, 1, scoring, "mean")
    return selection.name, selection.score({"map": heat, "sign": np.float32(sign)})


def test_a_heat_without_a_threshold_does_not_count(val, scoring):
    for height in (0, SIDE // 2):
        assert chosen_by(val, scoring, None, 1.0, height) == ("val_video_auc", 1.0)
        assert chosen_by(val, scoring, None, -1.0, height) == ("val_video_auc", 0.0)


def test_a_map_counts_as_much_as_the_auc(val, scoring):
    for sign, height, score in (
        (1.0, SIDE // 2, 1.0),
        (-1.0, SIDE // 2, 0.5),
        (1.0, 0, 0.5),
        (1.0, SIDE, (1 + 2 / 3) / 2),  # Dice of a map of twice the area is 2/3
    ):
        name, got = chosen_by(val, scoring, 0.5, sign, height)
        assert name == "val_auc_and_dice"
        assert got == pytest.approx(score)


def test_without_masks_only_the_auc_counts(make_dataset, scoring):
    unknown = make_dataset([("real", "a", 0, 1), ("eyes", "a", 1, 1)])
    _, got = chosen_by(dataclasses.replace(unknown, split="val"), scoring, 0.5, 1.0, SIDE)
    assert got in (0.0, 0.5, 1.0)
