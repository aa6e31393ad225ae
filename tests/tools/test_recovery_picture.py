"""The picture of the README: a column for each face, a row for each of its pictures."""

import numpy as np
from PIL import Image

from tools import recovery_picture


def test_every_face_is_a_column(tmp_path):
    out = tmp_path / "picture.png"
    shown = [np.full((8, 8, 3), 50 * row, np.uint8) for row in range(5)]
    recovery_picture._draw({"real": [shown, shown], "inner_face": [shown]}, out)
    with Image.open(out) as picture:
        width, height = picture.size
        middle = np.asarray(picture.convert("RGB"))[:, width // 2, 0]
    assert width < height  # three columns, five rows
    assert [value for value in range(0, 250, 50) if value in middle] == [0, 50, 100, 150, 200]
