import jax.numpy as jnp
import numpy as np

from jaxfake import schema
from jaxfake.models.method import Prediction
from jaxfake.reporting.recovered_strips import draw_strips
from jaxfake.reporting.strips import choose_rows


class Painter:
    """Recovers every face as white, having seen all but its upper half."""

    def predict(self, params, batch, keys):
        count = batch[schema.VALID].shape[0]
        white = jnp.ones((count, 16, 16, 3))
        hidden = jnp.broadcast_to(jnp.array([[True, True], [False, False]]), (count, 2, 2))
        return Prediction(batch[schema.IMAGE][:, 0, 0, 0].astype(float), None, white, hidden, {})


def test_strips_are_of_evenly_spaced_faces_of_every_kind(dataset, scoring):
    chosen = choose_rows(dataset, 2)
    assert {name: rows.tolist() for name, rows in chosen.items()} == {
        "real": [2, 6],
        "eyes": [9, 12],
        "lips": [15, 18],
    }
    strips = draw_strips(Painter(), {}, dataset, chosen, scoring)
    assert list(strips) == ["real", "eyes", "lips"]
    first, image = strips["lips"][0], dataset[15].image
    assert (first.name, first.score) == (dataset.name(15), image[0, 0, 0])
    assert first.columns == ("input", "masked", "recovered", "error")
    expected, masked, recovered, error = np.split(first.pixels, 4, axis=1)
    np.testing.assert_array_equal(expected, image)
    assert (masked[:8] == masked[0, 0]).all()
    np.testing.assert_array_equal(masked[8:], image[8:])
    assert (recovered[:8] == 255).all()
    assert (error[8:] == 0).all()
