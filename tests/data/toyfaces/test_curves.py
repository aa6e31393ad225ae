"""Smooth curves: through their points, wherever these lie and however they are turned."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.data.toyfaces import curves

_PLACES = st.floats(-10, 10, allow_nan=False)
POINTS = st.lists(st.tuples(_PLACES, _PLACES), min_size=3, max_size=9).map(np.array)
repeatable = settings(max_examples=60, deadline=None)


@repeatable
@given(POINTS)
def test_a_curve_goes_through_its_points(points: np.ndarray) -> None:
    np.testing.assert_allclose(curves.closed(points)[:: curves.SAMPLES], points, atol=1e-9)
    np.testing.assert_allclose(curves.opened(points)[:: curves.SAMPLES], points, atol=1e-9)


@repeatable
@given(POINTS, st.floats(-4, 4), _PLACES)
def test_it_turns_and_moves_with_them(points: np.ndarray, angle: float, shift: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for curve in (curves.closed, curves.opened, lambda p: curves.rounded(p, 0.3)):
        moved = curve(points @ turn.T + shift)
        np.testing.assert_allclose(moved, curve(points) @ turn.T + shift, atol=1e-8)


@repeatable
@given(POINTS)
def test_rounding_goes_from_the_polygon_to_the_curve(points: np.ndarray) -> None:
    np.testing.assert_allclose(curves.rounded(points, 1), curves.closed(points), atol=1e-9)
    np.testing.assert_allclose(curves.rounded(points, 7), curves.closed(points), atol=1e-9)
    polygon = curves.rounded(points, 0)
    np.testing.assert_allclose(polygon[:: curves.SAMPLES], points, atol=1e-9)
    ahead = np.roll(points, -1, axis=0) - points
    np.testing.assert_allclose(
        polygon[1 :: curves.SAMPLES], points + ahead / curves.SAMPLES, atol=1e-9
    )


def test_a_stroke_is_as_wide_as_it_is_said() -> None:
    line = np.stack([np.linspace(0, 9, 4), np.zeros(4)], axis=1)
    outline = curves.strokes(line[None], np.full((1, 4), 0.5))[0]
    there, back = np.split(outline, 2)
    np.testing.assert_allclose(abs(there[:, 1] - back[::-1, 1]), 1.0, atol=1e-6)
    np.testing.assert_allclose(there[:, 0], back[::-1, 0], atol=1e-9)
