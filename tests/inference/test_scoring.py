"""The scores of a detector on files are those that `evaluate` gives to the same prepared faces."""

from pathlib import Path

import numpy as np
import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.examples import ExampleList
from jaxfake.evaluation.predict import score_frames
from jaxfake.inference.model.opened_model import OpenedModel
from jaxfake.inference.scoring import part_names, score_tracks


@pytest.fixture(scope="module")
def scored(model: OpenedModel, tiny_root: Path):
    """Faces of three tracks, scored together; and their scores by `evaluate`."""
    faces = open_split(tiny_root, "test", 32)
    tracks = [[0, 1, 2, 3], [9], list(range(12, 32))]
    examples = [ExampleList([faces[row] for row in rows]) for rows in tracks]
    by_evaluate = score_frames(
        model.method, model.params, faces, np.concatenate(tracks), model.scoring
    )
    return examples, score_tracks(model, examples, most_shown=2), by_evaluate.score


def test_they_equal_those_of_evaluate(scored):
    _, tracks, by_evaluate = scored
    together = np.concatenate([one.scores for one in tracks])
    np.testing.assert_allclose(together, by_evaluate, rtol=0, atol=1e-4)
    assert np.ptp(by_evaluate) > 1e-3  # else any face would do


def test_the_faces_shown_have_the_highest_scores(scored):
    faces, tracks, _ = scored
    for one, track in zip(faces, tracks, strict=True):
        places = [face.place for face in track.shown]
        assert places == np.argsort(-track.scores, kind="stable")[:2].tolist()
        for face in track.shown:
            np.testing.assert_array_equal(face.image, one[face.place].image)


def test_hidden_and_recovered_pixels_belong_to_the_face(scored):
    _, tracks, _ = scored
    for face in tracks[2].shown:
        assert face.hidden.shape == (32, 32)
        assert 0 < face.hidden.mean() < 1
        assert face.recovered.dtype == np.uint8
        assert face.recovered.shape == (32, 32, 3)


def test_parts_are_measured_where_something_of_them_was_hidden(scored):
    _, tracks, _ = scored
    assert {one.measure for one in tracks} == {"recovery_error"}
    for one in tracks:
        assert one.parts.shape == (len(part_names()),)
        assert np.nanmax(one.parts) > 0
