"""The table of the guards: faces are measured in pairs, each in its own draws."""

import numpy as np
import pytest

from jaxfake.data.dataset import open_split
from jaxfake.data.toyfaces import builder
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces
from tools import forgery_leaks


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    one = SplitSize(identities=4, frames=1)
    options = ToyFaces(size=64, train=one, val=one, test=one)
    return open_split(builder.build(tmp_path_factory.mktemp("toy"), options), "train", 64)


def test_faces_are_measured_in_pairs_and_again_in_the_next_turn(faces):
    found = forgery_leaks.described(faces, "twin", "nothing", 6)
    assert found.labels.tolist() == [0, 1] * 6
    assert found.outside.shape == found.inside.shape
    assert (found.people[::2] == found.people[1::2]).all()
    assert not np.array_equal(found.inside[0], found.inside[8])  # the same face, another turn
