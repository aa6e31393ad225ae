"""Painting the parts of the face: skin lines, eyes, brows, nose, lips."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from jaxfake.data.toyfaces.canvas import Canvas, Stroke
from jaxfake.data.toyfaces.curves import closed, opened, rounded
from jaxfake.data.toyfaces.geometry import Shape
from jaxfake.data.toyfaces.latents import (
    CHEEK_NOSE,
    EYES,
    LIPS,
    OUTLINE,
    PARTS,
    Expression,
    Look,
    Scene,
    Style,
)
from jaxfake.data.toyfaces.palette import Colour, Palette
from jaxfake.faces import ibug68


def paint_skin(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    """Freckles, the outline of jaw and nose, the lines of age and expression."""
    _freckles(canvas, scene, shape, palette)
    pen, marks = _pen_width(scene.looks[OUTLINE].style, shape), shape.landmarks
    jaw = [Stroke(marks[rows], pen, palette.line, (0.9, 1, 1, 0.9)) for rows in _JAW_ROWS]
    pen = _pen_width(scene.looks[CHEEK_NOSE].style, shape)
    nose = [
        Stroke(wing, 1.1 * pen, palette.line, (0.05, 0.3, 1, 0.6)) for wing in shape.pairs.wings
    ]
    nose += [Stroke(marks[rows], pen, palette.line, (0.3, 0.7, 0.9, 0.3)) for rows in _NOSTRIL_ROWS]
    lines = [
        Stroke(curve, width * (0.35 + 0.75 * depth), blend(palette.skin, palette.line, depth))
        for part in PARTS
        for width in [_pen_width(scene.looks[part].style, shape)]
        for curves, depth in _wrinkles(scene.looks[part], part, shape)
        if depth > 0.05
        for curve in curves
    ]
    canvas.draw(jaw + lines + nose)


_JAW_ROWS = (
    [1, 2, 3, 4],
    [4, 5, 6, 7],
    [6, 7, 8, 9],
    [7, 8, 9, 10],
    [9, 10, 11, 12],
    [12, 13, 14, 15],
)
_NOSTRIL_ROWS = ([31, 32, 33, 33], [35, 34, 33, 33])


def _wrinkles(look: Look, part: str, shape: Shape) -> list[tuple[Iterable[np.ndarray], float]]:
    """Curves of a part and how deep they are, 0 to about 1."""
    expression, old = look.expression, (look.style.age + 1) / 2
    smile, upset = max(expression.valence, 0), max(-expression.valence, 0)
    wide, squint = max(expression.surprise, 0), max(expression.squint, 0)
    if part == CHEEK_NOSE:
        return [(shape.pairs.smile_lines, 0.05 + 0.65 * old + 0.75 * smile)]
    if part == LIPS:
        return [(shape.pairs.chin_lines, 0.9 * old + 0.5 * upset - 0.1)]
    crow = 0.45 * old * old + smile * (0.2 + 0.7 * old) + 0.3 * squint
    return [
        (shape.pairs.crows_feet, crow),
        (shape.pairs.low_crows_feet, crow),
        (shape.pairs.brow_furrows, 0.9 * upset + 0.6 * squint + 0.3 * old - 0.2),
        (
            (shape.middle.lower_forehead_line, shape.middle.upper_forehead_line),
            0.8 * old + 0.6 * wide - 0.25,
        ),
        (shape.pairs.under_eyes, 0.85 * old + 0.25 * smile),
    ]


def _freckles(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    count = round(max(scene.looks[CHEEK_NOSE].style.freckles, 0) * len(shape.middle.freckles))
    radii = shape.unit * (0.026 + 0.026 * scene.identity.texture.freckles[:count, 2])
    for centre, radius in zip(shape.middle.freckles[:count], radii.tolist(), strict=True):
        canvas.disc(centre, radius, palette.freckle)


_RIGHT_EYE = [36, 37, 38, 39, 40, 41]
_LEFT_EYE = [45, 44, 43, 42, 47, 46]  # as its mirror image: outer corner first


def paint_eyes(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    """Lids, eyeballs inside the eye's 6-point outline, lashes, folds."""
    eyes = [shape.landmarks[_RIGHT_EYE], shape.landmarks[_LEFT_EYE]]
    style = scene.looks[EYES].style
    pen = _pen_width(style, shape)
    for eye, fold in zip(eyes, shape.pairs.lid_folds, strict=True):
        canvas.fill(_lid(eye, fold, shape, style), palette.lid)
    for eye, centre in zip(eyes, shape.pairs.irises[:, 0], strict=True):
        canvas.clipped(closed(eye), partial(_eyeball, scene, shape.unit, centre, palette))
    lashes = [Stroke(eye[:4], 1.9 * pen, palette.lash, (1.0, 1.1, 0.9, 0.4)) for eye in eyes]
    lower = [
        Stroke(eye[[0, 5, 4, 3]], 0.75 * pen, palette.line, (1, 0.8, 0.6, 0.6)) for eye in eyes
    ]
    folds = [Stroke(fold, 0.75 * pen, palette.line) for fold in shape.pairs.lid_folds]
    wings = [_lash_wing(eye, style, pen, palette) for eye in eyes]
    canvas.draw(folds + lower + lashes + wings)


def _lid(eye: np.ndarray, fold: np.ndarray, shape: Shape, style: Style) -> np.ndarray:
    """Skin from the upper lashes to the fold, farther with more make-up."""
    raise_by = np.array([0.0, -0.07, -0.06, 0.0])[:, None] * [0, shape.unit * max(style.makeup, 0)]
    return np.concatenate([opened(eye[:4]), opened(fold + raise_by)[::-1]])


def _lash_wing(eye: np.ndarray, style: Style, pen: float, palette: Palette) -> Stroke:
    """The outer end of the lashes: drawn out sharply on angular faces and with make-up."""
    along = eye[0] - eye[3]
    reach = 0.06 + 0.10 * (1 - style.roundness) / 2 + 0.10 * max(style.makeup, 0)
    tip = along * reach + np.array([along[1], -along[0]]) * np.sign(-along[0]) * reach * -0.45
    points = eye[0] + tip * np.linspace(-0.4, 1, 4)[:, None]
    return Stroke(points, 1.6 * pen, palette.lash, (1.0, 0.9, 0.6, 0.1))


def _eyeball(
    scene: Scene, unit: float, centre: np.ndarray, palette: Palette, canvas: Canvas
) -> None:
    """White, iris, pupil, and a glint on the side that the light comes from."""
    radius = unit * (0.135 + 0.012 * scene.looks[EYES].style.size)
    glint = np.array([0.45 * scene.light.side, -0.35 - 0.15 * scene.light.height]) * radius
    canvas.flood(palette.sclera)
    canvas.disc(centre, radius, blend(palette.iris, palette.pupil, 0.55))
    canvas.disc(centre, 0.82 * radius, palette.iris)
    canvas.disc(centre, 0.45 * radius, palette.pupil)
    canvas.disc(centre + glint, 0.27 * radius, palette.glint)


def paint_brows(canvas: Canvas, shape: Shape, palette: Palette) -> None:
    marks = shape.landmarks
    half = np.stack([np.zeros(5), shape.brow_widths], axis=1)
    for brow in (marks[ibug68.RIGHT_BROW], marks[ibug68.LEFT_BROW][::-1]):
        canvas.fill(np.concatenate([opened(brow + half), opened(brow - half)[::-1]]), palette.brow)


def paint_nostrils(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    marks, round_share = shape.landmarks, (scene.looks[CHEEK_NOSE].style.roundness + 1) / 2
    lift = np.array([0, -shape.unit * (0.028 + 0.03 * round_share)])
    for side in (32, 34):
        out = marks[side] - marks[33]
        hole = marks[side] + out * 0.15 - [0, 0.012 * shape.unit]
        stretch = out * (0.38 - 0.1 * round_share)
        corners = [hole - stretch, hole + lift, hole + stretch, hole - lift * 0.4]
        canvas.fill(closed(np.array(corners)), palette.nostril)


def paint_lips(canvas: Canvas, scene: Scene, shape: Shape, palette: Palette) -> None:
    """Outer lips over their 12-point outline, the open mouth inside the 8-point one."""
    (style, _, expression, _), light = scene.looks[LIPS], scene.light
    outer, inner = shape.landmarks[ibug68.OUTER_LIPS], shape.landmarks[ibug68.INNER_LIPS]
    pen = _pen_width(style, shape)
    canvas.fill(rounded(outer, 0.5 + style.roundness), palette.lip)
    upper = np.concatenate([opened(outer[:7]), opened(inner[[4, 3, 2, 1, 0]])])
    canvas.fill(upper, blend(palette.lip, palette.lip_dark, 0.38))
    canvas.clipped(closed(inner), partial(_mouth, inner, expression, shape.unit, palette))
    ends = (0.7, 0.8, 0.8, 0.7)
    canvas.draw(
        [
            Stroke(outer[[0, 2, 4, 6]], 0.55 * pen, palette.lip_dark, ends),
            Stroke(outer[[6, 8, 10, 0]], 0.55 * pen, palette.lip_dark, ends),
            Stroke(inner[[0, 1, 3, 4]], 0.8 * pen, palette.mouth, ends),
            Stroke(inner[[0, 7, 5, 4]], 0.6 * pen, palette.mouth, ends),
            _corner(outer[0], outer[6], expression, pen, palette),
            _corner(outer[6], outer[0], expression, pen, palette),
            _lip_gloss(outer, inner, light.side, 0.9 * pen, palette),
        ]
    )


def _mouth(
    inner: np.ndarray, expression: Expression, unit: float, palette: Palette, canvas: Canvas
) -> None:
    canvas.flood(palette.mouth)
    down = np.array([0, unit * (0.10 + 0.05 * max(expression.valence, 0))])
    edge = opened(inner[:5])
    canvas.fill(np.concatenate([edge, edge[::-1] + down]), palette.teeth)


def _corner(
    corner: np.ndarray, other: np.ndarray, expression: Expression, pen: float, palette: Palette
) -> Stroke:
    """The small fold at a mouth corner, up when smiling and down when upset."""
    out = (corner - other) * 0.09
    turn = np.array([0, -expression.valence]) * np.abs(out[0]) * 1.3
    points = corner + np.array([-0.5, 0, 0.5, 1])[:, None] * out
    points = points + np.array([0, 0, 0.4, 1])[:, None] * turn
    return Stroke(points, 0.8 * pen, blend(palette.skin_shade, palette.lip_dark, 0.6))


def _lip_gloss(
    outer: np.ndarray, inner: np.ndarray, side: float, width: float, palette: Palette
) -> Stroke:
    """A highlight on the lower lip, on the side that the light comes from."""
    middle = 0.5 * (outer[9] + inner[6]) + (outer[6] - outer[0]) * 0.20 * side
    along = (outer[6] - outer[0]) * 0.10
    points = middle + np.array([-1, -0.33, 0.33, 1])[:, None] * along
    return Stroke(points, width, blend(palette.lip, palette.glint, 0.45), (0.1, 1, 1, 0.1))


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two, `share` clipped to [0, 1]."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def _pen_width(style: Style, shape: Shape) -> float:
    """Half the width of the face's lines, pixels."""
    return shape.unit * 0.021 * (1 + 0.62 * style.thickness)
