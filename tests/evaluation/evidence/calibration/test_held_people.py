"""Who is kept for calibration is drawn by the seed, as a whole person."""

import numpy as np
import pytest

from jaxfake.evaluation.evidence.calibration.held_people import held_people

FACES = np.repeat([f"person {n}" for n in range(20)], np.arange(1, 21))


@pytest.mark.parametrize(("share", "people"), [(0.0, 0), (0.25, 5), (0.5, 10), (0.99, 20)])
def test_a_share_of_the_people_is_kept_with_all_their_faces(share, people):
    held = held_people(FACES, share, seed=3)
    kept, others = set(FACES[held]), set(FACES[~held])
    assert len(kept) == people
    assert not kept & others


def test_the_seed_draws_them():
    first, same, other = (held_people(FACES, 0.5, seed) for seed in (1, 1, -2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
