"""The picture of the forgeries' page: every kind has its faces, and the rows say what they show."""

import numpy as np
from PIL import Image

from jaxfake.data.forgeries.forgery import KINDS
from tools import forgery_picture


def test_columns_show_the_face_the_forgery_and_where_they_differ():
    for real, forged, difference, share in forgery_picture.columns("self_blend")[:2]:
        np.testing.assert_array_equal(real[share == 0], forged[share == 0])
        assert difference[share == 0].max() == 0
        assert difference.max() > 0


def test_every_kind_is_drawn(tmp_path):
    tiles = [[np.full((8, 8, 3), 60 * row, np.uint8) for row in range(4)]] * 2
    forgery_picture.draw(dict.fromkeys(KINDS, tiles), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert [value for value in range(0, 240, 60) if (shown == value).all(axis=2).any()] == [
        0,
        60,
        120,
        180,
    ]
