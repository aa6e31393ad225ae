"""Heat maps as pictures."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.models.method import Prediction
from jaxfake.reporting.heat_strips import (
    HeatScale,
    heat_picture,
    heat_scale,
    heat_strips,
    predict_heat,
)
from jaxfake.reporting.strips import GREY

CHOSEN = {"real": np.array([5, 2]), "eyes": np.array([9])}
ROWS = np.array([5, 2, 9])


class LeftHalf:
    """Heat in the left half of every face, as bright as its first pixel; recovers a white face."""

    def predict(self, params, batch, keys):
        first = batch[schema.IMAGE][:, 0, 0, 0] / 255
        heat = first[:, None, None] * jnp.array([[1.0, 0.0], [1.0, 0.0]])
        white = jnp.ones((len(first), 16, 16, 3))
        return Prediction(first, heat, white, heat > -1, {})


class Brightness:
    """The score is the brightness of the first pixel; recovers nothing."""

    def predict(self, params, batch, keys):
        return Prediction(batch[schema.IMAGE][:, 0, 0, 0] / 255, None, None, None, {})


def test_strips_show_input_mask_recovery_and_heat_of_the_rows_asked_for(dataset, scoring):
    faces = predict_heat(LeftHalf(), {}, dataset, ROWS, scoring)
    assert [face.row for face in faces] == ROWS.tolist()
    strips = heat_strips(dataset, CHOSEN, faces, heat_scale(faces, 0.5))
    assert {name: [one.name for one in group] for name, group in strips.items()} == {
        name: [dataset.name(int(row)) for row in rows] for name, rows in CHOSEN.items()
    }
    for strip, row in zip([*strips["real"], *strips["eyes"]], ROWS, strict=True):
        assert strip.columns == ("input", "mask", "recovered", "heat")
        image, mask, recovered, _ = np.split(strip.pixels, 4, axis=1)
        np.testing.assert_array_equal(image, dataset[row].image)
        assert (recovered == 255).all()
        # The fakes of this dataset have no mask.
        assert (mask == (GREY if dataset[row].label else 0)).all()


def test_a_method_that_recovers_nothing_shows_input_and_mask(dataset, scoring):
    faces = predict_heat(Brightness(), {}, dataset, ROWS, scoring)
    strips = heat_strips(dataset, CHOSEN, faces, heat_scale(faces, None))
    assert strips["eyes"][0].columns == ("input", "mask")


def test_errors_share_one_scale_and_probabilities_have_theirs(dataset, scoring):
    faces = predict_heat(LeftHalf(), {}, dataset, ROWS, scoring)
    assert heat_scale(faces, 0.5) == HeatScale(1.0, 0.5)
    most = max(face.heat.max() for face in faces)
    assert heat_scale(faces, None).brightest == pytest.approx(most, rel=0.05)


def test_the_heat_is_brighter_where_it_is_greater_and_the_line_surrounds_the_predicted_area():
    image = np.full((32, 32, 3), 100, np.uint8)
    heat = np.zeros((32, 32), np.float32)
    heat[8:20, 8:20] = 0.9
    plain = heat_picture(image, heat, HeatScale(1.0, None))
    light = cv2.cvtColor(plain, cv2.COLOR_RGB2GRAY)
    assert light[10:18, 10:18].min() > light[:8].max()
    lined = heat_picture(image, heat, HeatScale(1.0, 0.5))
    changed = (lined != plain).any(-1)
    edge = np.zeros((32, 32), bool)
    edge[8:20, 8:20] = True
    edge[9:19, 9:19] = False
    np.testing.assert_array_equal(changed, edge)
