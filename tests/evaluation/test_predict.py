import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.examples import ExampleList
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.evaluation.predict import score_frames
from jaxfake.models.method import Prediction


class Brightness:
    """Scores a face by its mean; tells what it was given and what it drew."""

    def __init__(self):
        self.keys = ()

    def init(self, key, autoencoder):
        return {"gain": jnp.float32(1)}

    def losses(self, params, batch, keys):
        raise NotImplementedError

    def predict(self, params, batch, keys):
        self.keys = tuple(batch)
        mean = batch[schema.IMAGE].astype(jnp.float32).mean((1, 2, 3))
        drawn = jax.vmap(jax.random.uniform)(keys)
        return Prediction(params["gain"] * mean, None, None, None, {"drawn": drawn})


@pytest.fixture
def method():
    return Brightness()


def test_scores_keep_the_order_and_drop_the_padding(method, dataset, scoring):
    rows = np.array([11, 2, 5, 7, 0, 3, 19, 1, 4, 6, 18])
    result = score_frames(method, method.init(None, None), dataset, rows, scoring)
    expected = [dataset[row].image.mean() for row in rows]
    np.testing.assert_allclose(result.score, expected, rtol=1e-5)
    assert result.rows.tolist() == rows.tolist()
    assert len(np.unique(result.evidence["drawn"])) == len(rows)


def test_draws_belong_to_the_face_not_to_its_place(method, dataset, scoring):
    rows = np.arange(len(dataset))
    forwards = score_frames(method, method.init(None, None), dataset, rows, scoring)
    other = dataclasses.replace(scoring, batch_size=13)
    backwards = score_frames(method, method.init(None, None), dataset, rows[::-1], other)
    np.testing.assert_array_equal(forwards.evidence["drawn"], backwards.evidence["drawn"][::-1])
    reseeded = score_frames(
        method, method.init(None, None), dataset, rows, dataclasses.replace(scoring, seed=4)
    )
    assert (forwards.evidence["drawn"] != reseeded.evidence["drawn"]).all()


def test_faces_in_memory_score_as_those_of_a_dataset(method, dataset, scoring):
    rows = np.arange(len(dataset))
    stored = score_frames(method, method.init(None, None), dataset, rows, scoring)
    faces = ExampleList([dataset[row] for row in rows])
    held = score_frames(method, method.init(None, None), faces, rows, scoring)
    np.testing.assert_array_equal(held.score, stored.score)
    np.testing.assert_array_equal(held.evidence["drawn"], stored.evidence["drawn"])


def test_a_method_cannot_see_labels(method, dataset, scoring):
    score_frames(method, method.init(None, None), dataset, np.arange(3), scoring)
    assert not {schema.LABEL, schema.FORGERY_MASK, schema.HAS_MASK} & set(method.keys)


def test_a_score_that_is_not_finite_is_an_error_that_names_the_face(method, dataset, scoring):
    params = {"gain": jnp.float32(np.nan)}
    with pytest.raises(ValueError, match=r"score of toys/real/001 frame 0 is not finite"):
        score_frames(method, params, dataset, np.array([2, 3]), scoring)


def test_no_faces_are_no_scores(method, dataset, scoring):
    frames = score_frames(method, method.init(None, None), dataset, np.arange(0), scoring)
    assert frames.score.shape == (0,)
    assert frames.evidence == {}


def test_evenly_spaced_rows_reach_over_the_whole_split():
    rows = np.arange(100, 200)
    assert evenly_spaced_rows(rows, 4).tolist() == [112, 137, 162, 187]
    assert evenly_spaced_rows(rows, 1000).tolist() == rows.tolist()
