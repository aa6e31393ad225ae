"""From the 468 points of MediaPipe's face mesh to the 68 landmarks of iBUG.

Every landmark is the mean of one or two mesh points. The choice is ours: the same anatomical point where
both have one; for the rest (jaw, brows, bridge of the nose) points spaced evenly along the mesh's contour,
as in iBUG; mirrored points on both sides; all checked by eye. One limit: the jaw is the silhouette of the
mesh, so on a turned head its far side follows the skull, while human annotators follow the visible edge.
"""

import numpy as np

from jaxfake.faces import ibug68

MESH_POINTS = 468

# fmt: off
_JAW = (
    (127,), (234,), (93, 132), (132, 58), (172,), (136,), (150, 149), (176, 148), (152,),
    (400, 377), (379, 378), (365,), (397,), (361, 288), (323, 361), (454,), (356,),
)
_BROWS = (
    (70,), (63, 105), (105, 66), (66, 107), (107, 55),
    (336, 285), (296, 336), (334, 296), (293, 334), (300,),
)
_NOSE = (
    (168,), (6, 197), (195, 5), (4,),
    (75,), (97,), (2,), (326,), (305,),
)
_EYES = (
    (33,), (160, 159), (158,), (133,), (153,), (144,),
    (362,), (385,), (387, 386), (263,), (373,), (380,),
)
_OUTER_LIPS = (
    (61,), (39,), (37,), (0,), (267,), (269,),
    (291,), (405,), (314,), (17,), (84,), (181,),
)
_INNER_LIPS = (
    (78,), (82,), (13,), (312,),
    (308,), (317,), (14,), (87,),
)
# fmt: on

CORRESPONDENCE = (*_JAW, *_BROWS, *_NOSE, *_EYES, *_OUTER_LIPS, *_INNER_LIPS)
"""The mesh points of each of the 68 landmarks."""

_WEIGHTS = np.zeros((ibug68.POINTS, MESH_POINTS), np.float32)
for _landmark, _points in enumerate(CORRESPONDENCE):
    _WEIGHTS[_landmark, list(_points)] = 1 / len(_points)


def landmarks(mesh: np.ndarray) -> np.ndarray:
    """float32 [68, 2] from mesh points float32 [468, 2 or more], in the same coordinates."""
    return _WEIGHTS @ mesh[:, :2]
