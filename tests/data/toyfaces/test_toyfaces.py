"""The toy faces themselves: landmarks, shared latents, motion."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.data.toyfaces import latents
from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.geometry import project
from jaxfake.data.toyfaces.latents import (
    PARTS as PART_NAMES,
)
from jaxfake.data.toyfaces.latents import (
    Expression,
    Light,
    Pose,
    Scene,
    draw_deviation,
    draw_identity,
)
from jaxfake.data.toyfaces.painting import paint
from jaxfake.data.toyfaces.palette import Palette
from jaxfake.data.toyfaces.render import landmarks_of, render
from jaxfake.faces import ibug68

WHITE, BLACK = (255.0, 255.0, 255.0), (0.0, 0.0, 0.0)
ALL_BLACK = Palette(*[BLACK] * len(Palette._fields))
FRONTAL = Pose(0, 0, 0, 1, 0, 0)


def scene_of(seed: int, pose: Pose = FRONTAL, expression: Expression | None = None) -> Scene:
    rng = np.random.default_rng(seed)
    drawn = draw_clip(rng, draw_identity(rng), 1).scenes()[0]
    expression = expression or drawn.expression
    return dataclasses.replace(drawn, pose=pose, expression=expression, deviations={})


def drawn_only(scene: Scene, palette: Palette, size: int) -> np.ndarray:
    """Where a face shows the colours of `palette` that are not black, bool [H, W]."""
    scene = dataclasses.replace(scene, background=np.zeros((2, 2, 3), np.uint8))
    palettes = dict.fromkeys(scene.looks, palette)
    return paint(scene, project(scene, size), palettes, size).colour[..., 0] > 127


def away_from(shown: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance of each point [n, 2] from the nearest pixel that is shown."""
    rows, columns = np.nonzero(shown)
    return np.hypot(points[:, :1] - columns, points[:, 1:] - rows).min(axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_eye_landmarks_lie_on_the_rim_of_the_drawn_eyes(seed: int) -> None:
    open_eyes = Expression(valence=-0.1, surprise=0.6, squint=-0.6)
    scene = scene_of(seed, Pose(0.15, -0.05, 0.05, 1.02, 0.01, -0.01), open_eyes)
    eyeball = ALL_BLACK._replace(sclera=WHITE, iris=WHITE, pupil=WHITE, glint=WHITE)
    shown = drawn_only(scene, eyeball, 224)
    marks = landmarks_of(scene, 224)
    # Lashes are drawn along the rim and hide up to three pixels of the eyeball.
    assert away_from(shown, marks[36:48]).max() < 5
    hulls = np.zeros(shown.shape, np.uint8)
    for eye in (ibug68.RIGHT_EYE, ibug68.LEFT_EYE):
        cv2.fillConvexPoly(hulls, np.rint(marks[eye]).astype(np.int32), 255)
    assert not shown[cv2.dilate(hulls, np.ones((7, 7))) == 0].any()
    assert (shown & (hulls > 0)).sum() > 0.5 * (hulls > 0).sum()


@pytest.mark.parametrize("seed", range(4))
def test_lip_landmarks_span_the_drawn_lips(seed: int) -> None:
    scene = scene_of(seed, Pose(-0.15, 0.05, -0.05, 0.98, 0.01, 0.01))
    everything = dict.fromkeys(("lip", "mouth", "teeth", "lip_dark"), WHITE)
    rows, columns = np.nonzero(drawn_only(scene, ALL_BLACK._replace(**everything), 224)[120:])
    lips = landmarks_of(scene, 224)[48:68]
    low, high = lips.min(axis=0), lips.max(axis=0)
    middle = (columns > low[0] - 2) & (columns < high[0] + 2)  # not the folds beside the corners
    assert columns[middle].min() == pytest.approx(low[0], abs=2.5)
    assert columns[middle].max() == pytest.approx(high[0], abs=2.5)
    assert rows[middle].min() + 120 == pytest.approx(low[1], abs=4)
    assert rows[middle].max() + 120 == pytest.approx(high[1], abs=4)


@pytest.mark.parametrize("size", [64, 224])
def test_a_frontal_face_lies_on_the_alignment_template(size: int) -> None:
    errors = []
    for seed in range(60):
        marks = landmarks_of(scene_of(seed), size)
        five = [marks[36:42].mean(axis=0), marks[42:48].mean(axis=0), *marks[[30, 48, 54]]]
        template = np.array(
            [[84.8, 105.4], [139, 105.1], [112, 136.2], [89.8, 167.9], [134.7, 167.7]]
        )
        errors.append((np.array(five) + 0.5) / size - template / 224)
    assert np.abs(np.mean(errors, axis=0)).max() < 0.025
    assert np.abs(errors).max() < 0.09


latent = st.floats(-1, 1)


@given(st.integers(0, 10**6), latent, latent, latent, latent)
@settings(max_examples=40)
def test_landmarks_of_the_mirrored_pose_are_the_flipped_landmarks(
    seed: int, yaw: float, pitch: float, roll: float, shift: float
) -> None:
    pose = Pose(0.2 * yaw, 0.1 * pitch, 0.05 * roll, 1.01, 0.01 * shift, 0.01)
    mirrored = pose._replace(yaw=-pose.yaw, roll=-pose.roll, shift_x=-pose.shift_x)
    expected = ibug68.flip(landmarks_of(scene_of(seed, pose), 96), 96)
    np.testing.assert_allclose(landmarks_of(scene_of(seed, mirrored), 96), expected, atol=1e-3)


def test_the_nose_moves_most_when_the_head_turns() -> None:
    ahead, turned = (landmarks_of(scene_of(3, FRONTAL._replace(yaw=y)), 64) for y in (0.0, 0.2))
    moved = turned[:, 0] - ahead[:, 0]
    assert moved[ibug68.NOSE_TIP] > 1
    assert moved[ibug68.NOSE_TIP] > moved[36:48].max()
    assert moved[0] < 0  # the ears lie behind the axis


def test_every_size_shows_the_same_face() -> None:
    scene = scene_of(1, Pose(0.1, 0.05, 0.03, 1, 0, 0))
    small, large = render(scene, 64), render(scene, 192)
    np.testing.assert_allclose((small.landmarks + 0.5) * 3, large.landmarks + 0.5, atol=1e-3)
    shrunk = cv2.resize(large.image, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - small.image).mean() < 3


PARTS = {"eyes": (20, 38, 14, 50), "cheeks and nose": (38, 46, 14, 50), "lips": (46, 56, 20, 44)}


NAMES = dict(zip(PART_NAMES, PARTS, strict=True))


def part_changes(first: Scene, second: Scene) -> dict[str, float]:
    """Mean absolute difference of two faces by part, grey levels."""
    change = np.abs(render(first, 64).image - render(second, 64).image)
    return {part: change[a:b, c:d].mean() for part, (a, b, c, d) in PARTS.items()}


@pytest.mark.parametrize("name", ["roundness", "thickness", "size", "age", "freckles", "makeup"])
def test_every_style_shows_in_every_part(name: str) -> None:
    scene = scene_of(2)
    for seed in range(3):
        identity = draw_identity(np.random.default_rng(seed))
        plain = np.zeros_like(identity.complexion)  # dark stripes would hide what is small
        identity = dataclasses.replace(identity, complexion=plain)
        low, high = (
            dataclasses.replace(
                scene,
                identity=dataclasses.replace(
                    identity, style=identity.style._replace(**{name: value})
                ),
            )
            for value in (-0.9, 0.9)
        )
        assert min(part_changes(low, high).values()) > 0.7, name


@pytest.mark.parametrize("name", Expression._fields)
def test_every_expression_shows_in_every_part(name: str) -> None:
    scene = scene_of(2, expression=Expression(0, 0, 0))
    low, high = (
        dataclasses.replace(scene, expression=scene.expression._replace(**{name: value}))
        for value in (-0.9, 0.9)
    )
    assert min(part_changes(low, high).values()) > 1.2


@pytest.mark.parametrize("wave", range(latents.WAVES))
@pytest.mark.parametrize("colour", range(latents.COLOURS))
def test_the_complexion_of_a_person_shows_in_each_part_and_on_both_sides_alike(
    wave: int, colour: int
) -> None:
    scene = dataclasses.replace(scene_of(2), light=Light(0, 0, 0, 0))
    faces = []
    for value in (-1.5, 1.5):
        complexion = np.zeros((latents.WAVES, latents.COLOURS))
        complexion[wave, colour] = value
        identity = dataclasses.replace(scene.identity, complexion=complexion)
        faces.append(dataclasses.replace(scene, identity=identity))
    assert min(part_changes(*faces).values()) > 4
    change = np.subtract(*(render(face, 64).image for face in faces))[20:56]
    assert np.corrcoef(change.ravel(), change[:, ::-1].ravel())[0, 1] > 0.9
    for first, last, _, _ in PARTS.values():
        part = change[first - 20 : last - 20]
        assert np.abs(part.mean(axis=(0, 1))).max() < 0.5 * np.abs(part).mean(), "a mean colour"


def test_what_a_stripe_has_of_its_own_shows_there_alone() -> None:
    scene = dataclasses.replace(scene_of(2), light=Light(0, 0, 0, 0))
    own = draw_deviation(np.random.default_rng(1))
    still = own.style._make([0] * len(own.style)), own.expression._make([0] * len(own.expression))
    faces = []
    for value in (0.0, 20.0):
        complexion = np.zeros_like(own.complexion)
        complexion[1, -1, 0] = value  # the lower row, the left side of the face
        moved = {"cheek_nose": latents.Deviation(*still, complexion)}
        faces.append(dataclasses.replace(scene, deviations=moved))
    changes = part_changes(*faces)
    assert max(changes, key=changes.__getitem__) == NAMES["cheek_nose"]
    change = np.abs(np.subtract(*(render(face, 64).image for face in faces))).sum(axis=2)
    assert change[:, 32:].sum() > 20 * change[:, :32].sum()


@pytest.mark.parametrize("part", PART_NAMES)
def test_a_part_deviates_alone(part: str) -> None:
    scene = scene_of(3)
    own = {part: draw_deviation(np.random.default_rng(0))}
    plain, moved = scene.looks, dataclasses.replace(scene, deviations=own).looks
    same = {name for name in plain if moved[name].style == plain[name].style}
    assert same == set(plain) - {part}
    changes = part_changes(scene, dataclasses.replace(scene, deviations=own))
    assert max(changes, key=changes.__getitem__) == NAMES[part]


def test_stripes_of_a_person_agree_and_those_of_two_do_not() -> None:
    """The correlation of a stripe between two rows or parts: what is left of two deviations, or nothing."""
    rng = np.random.default_rng(0)

    def rows() -> np.ndarray:
        looks = draw_clip(rng, draw_identity(rng), 1).scenes()[0].looks
        return np.concatenate([looks[part].complexion for part in PART_NAMES])

    drawn = np.array([rows() for _ in range(600)])  # [people, rows of all parts, stripes, colours]
    first, last = drawn[:, 0], drawn[:, -1]
    power, own = (first**2).mean(), 1 - latents.AGREEMENT**2
    assert (last**2).mean() == pytest.approx(power, rel=0.1)
    for other in (drawn[:, 1], last):
        assert (first * other).mean() / power == pytest.approx(1 - own / power, abs=0.05)
    assert (first[1:] * last[:-1]).mean() / power == pytest.approx(0, abs=0.06)


def test_light_from_the_right_brightens_the_right_of_every_part() -> None:
    scene = scene_of(4)
    left, right = (
        render(dataclasses.replace(scene, light=Light(side, 0, 0, 0)), 64).image
        for side in (-0.9, 0.9)
    )
    for a, b, c, d in PARTS.values():
        difference, middle = (right - left)[a:b], (c + d) // 2
        assert difference[:, middle + 4 : d].mean() > 4
        assert difference[:, c : middle - 4].mean() < -4


def path_of(seed: int, frames: int) -> np.ndarray:
    """Landmarks, expressions' and lights' latents of one clip, [T, numbers]."""
    rng = np.random.default_rng(seed)
    scenes = draw_clip(rng, draw_identity(rng), frames).scenes()
    assert len({id(scene.identity) for scene in scenes}) == 1
    rows = [(*landmarks_of(s, 64).ravel(), *s.expression, *s.light) for s in scenes]
    return np.array(rows)


def test_clips_move_along_one_smooth_path_however_many_frames_show_it() -> None:
    for seed in range(12):
        coarse, fine = path_of(seed, 12), path_of(seed, 23)
        np.testing.assert_allclose(fine[::2], coarse, atol=1e-4)
        steps, half_steps = (np.abs(np.diff(path, axis=0)).max() for path in (coarse, fine))
        assert half_steps < 0.6 * steps, "a jump does not shrink with the time between frames"
        assert np.ptp(coarse, axis=0).max() > 0.5, "nothing moves"
