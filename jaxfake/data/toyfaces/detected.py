"""Landmarks as our own detector finds them, and not as they are drawn.

A detector knows how faces look: it follows where a part lies, and only to some degree its unusual shape.
The numbers were measured by `jaxfake.faces.finder` on toy faces of 256 pixels; a test measures them again.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxfake.data.toyfaces.geometry import IOD, project
from jaxfake.data.toyfaces.latents import Expression, Proportions, Scene, Style
from jaxfake.faces import ibug68


class Detection(NamedTuple):
    """How one group of landmarks is found."""

    points: np.ndarray  # int [m]
    follows_place: float  # share of the distance from its usual place that is found
    follows_shape: float  # share of the difference from its usual shape that is found
    place_noise: float  # standard deviation of the error that all its points share, IOD
    point_noise: float  # standard deviation of that of each point, IOD


_EVERY = np.arange(ibug68.POINTS)
DETECTIONS = (
    Detection(_EVERY[ibug68.JAW], 0.7, 0.1, 0.04, 0.045),
    Detection(_EVERY[17:27], 0.4, 0.05, 0.045, 0.03),
    Detection(_EVERY[27:36], 0.8, 0.0, 0.04, 0.02),
    Detection(_EVERY[36:48], 0.9, 0.05, 0.02, 0.025),
    Detection(_EVERY[48:68], 0.9, 0.45, 0.04, 0.035),
)

_USUAL_STYLE = Style(*[0.0] * len(Style._fields))
_USUAL_PROPORTIONS = Proportions(*[0.0] * len(Proportions._fields))
_USUAL_EXPRESSION = Expression(*[0.0] * len(Expression._fields))


def as_detected(
    rng: np.random.Generator, usual: np.ndarray, shown: np.ndarray, size: int
) -> np.ndarray:
    """What a detector finds of the landmarks that are shown, float32 [68, 2].

    Args:
        rng: of the noise.
        usual: [68, 2], what any face would have in this pose, see `usual_landmarks`.
        shown: [68, 2], exact landmarks of the picture, whoever they are from.
        size: side of the crop in pixels.
    """
    unit = IOD * size
    found = np.empty_like(shown)
    for points, follows_place, follows_shape, place_noise, point_noise in DETECTIONS:
        away = shown[points] - usual[points]
        place = away.mean(axis=0)
        noise = rng.normal(0, place_noise, 2) + rng.normal(0, point_noise, (len(points), 2))
        found[points] = usual[points] + follows_place * place + follows_shape * (away - place)
        found[points] += unit * noise
    return found.astype(np.float32)


def usual_landmarks(scene: Scene, size: int) -> np.ndarray:
    """The landmarks of a plain face at rest in the pose of the scene, [68, 2]."""
    plain = dataclasses.replace(scene.identity, style=_USUAL_STYLE, proportions=_USUAL_PROPORTIONS)
    at_rest = dataclasses.replace(
        scene, identity=plain, expression=_USUAL_EXPRESSION, deviations={}, donors={}
    )
    return project(at_rest, size).landmarks
