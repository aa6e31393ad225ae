"""Masks of crops: given by a second video, or derived from the original frame."""

import cv2
import numpy as np
import pytest

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import forgery_masks
from jaxfake.data.preparation.forgery_masks import MaskReader, SecondVideo
from jaxfake.faces import align, video

SIZE = 96


def face(seed=0):
    """A smooth picture."""
    rng = np.random.default_rng(seed)
    small = rng.integers(60, 200, (8, 8, 3)).astype(np.uint8)
    return cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def noisy(picture, seed, spread=4.0):
    noise = np.random.default_rng(seed).normal(0, spread, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def iou(one, other):
    return ((one > 0) & (other > 0)).sum() / ((one > 0) | (other > 0)).sum()


def test_a_derived_mask_is_where_the_frames_differ_whatever_the_noise():
    original = face()
    manipulated = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(manipulated, (48, 50), (22, 28), 0, 0, 360, 255, cv2.FILLED)
    forged = np.where(
        manipulated[..., None] > 0, np.clip(original.astype(int) + 60, 0, 255), original
    )
    found = forgery_masks.derived_mask(
        noisy(forged, 1), noisy(original, 2), forgery_masks.THRESHOLD
    )
    assert set(np.unique(found)) == {0, 255}
    assert iou(found, manipulated) > 0.9


def test_holes_are_filled_and_specks_dropped():
    original = face()
    forged = original.astype(int)
    forged[30:70, 30:70] += 60
    forged[45:50, 45:50] -= 60  # the forgery happens to agree here
    forged[5:7, 5:7] += 90
    found = forgery_masks.derived_mask(np.clip(forged, 0, 255).astype(np.uint8), original, 0.1)
    assert found[47, 47] == 255
    assert not found[:20, :20].any()


def test_nothing_and_everything_are_unknown():
    original = face()
    assert forgery_masks.derived_mask(noisy(original, 1), noisy(original, 2), 0.1) is None
    assert forgery_masks.derived_mask(255 - original, original // 3, 0.1) is None


def test_a_higher_threshold_never_finds_more():
    rng = np.random.default_rng(3)
    original = face()
    bump = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), 8)
    forged = np.clip(original + 900 * np.maximum(bump, 0)[..., None], 0, 255).astype(np.uint8)
    areas = [
        0 if found is None else (found > 0).sum()
        for found in (
            forgery_masks.derived_mask(forged, original, t) for t in (0.05, 0.1, 0.2, 0.3)
        )
    ]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > 0


def test_a_given_mask_goes_through_the_crops_own_matrix():
    frame = np.zeros((200, 300, 3), np.uint8)
    frame[60:100, 120:180] = 255
    frame[0:5, 0:5] = 1  # what compression leaves
    matrix = np.array([[0.5, 0.0, -50.0], [0.0, 0.5, -20.0]])
    mask = forgery_masks.given_mask(frame, matrix, 64)
    corners = align.apply(matrix, np.array([[120.0, 60.0], [179.0, 99.0]]))
    rows, columns = np.nonzero(mask)
    np.testing.assert_allclose([columns.min(), rows.min()], corners[0], atol=1)
    np.testing.assert_allclose([columns.max(), rows.max()], corners[1], atol=1)


@pytest.fixture
def second(tmp_path):
    """A clip of ten frames; frame n is grey of brightness 20 n."""
    path = tmp_path / "mask.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for n in range(10):
        writer.write(np.full((48, 64, 3), 20 * n, np.uint8))
    writer.release()
    return path


def test_frames_of_a_second_video_are_those_of_the_same_number(second):
    wanted = [0, 3, 8, 12]  # the second video is shorter
    along = SecondVideo(second, wanted)
    for number in (0, 3, 8):
        assert abs(along.at(number).mean() - 20 * number) < 8
    assert along.at(12) is None


def test_a_frame_that_the_first_video_lost_is_passed_over(second):
    along = SecondVideo(second, [0, 3, 8])
    assert abs(along.at(8).mean() - 160) < 8


def test_a_second_video_that_is_none_gives_no_mask(tmp_path):
    broken = tmp_path / "mask.mp4"
    broken.write_text("no video")
    assert SecondVideo(broken, [0]).at(0) is None
    assert SecondVideo(tmp_path / "absent.mp4", [0]).at(0) is None


def textured(seed=0):
    """A picture in which every region differs from every other."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (24, 24, 3)).astype(np.uint8)
    return cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


LANDMARKS = np.stack(
    [48 + 24 * np.cos(np.linspace(0, 6.2, 68)), 48 + 24 * np.sin(np.linspace(0, 6.2, 68))], axis=1
).astype(np.float32)
AS_IT_IS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def swapped(original):
    forged = original.copy()
    cv2.circle(forged, (48, 48), 16, (255, 255, 255), cv2.FILLED)
    return forged


@pytest.fixture
def masks_of(tmp_path):
    """The mask of one still and why there is none, from files as the preparation reads them."""

    def read(fake, **beside):
        paths = {}
        for name, picture in {"fake": fake, **beside}.items():
            paths[name] = tmp_path / f"{name}.png"
            if picture is not None:
                cv2.imwrite(str(paths[name]), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        source = SourceFile(paths.pop("fake"), "fake.png", 1, "swap", "a", "fake", **paths)
        reader = MaskReader(source, [0], SIZE, 0.1)
        found = reader.of(video.Frame(0, fake), align.Crop(fake, LANDMARKS, AS_IT_IS))
        return found, reader.refusal

    return read


def test_a_pair_of_stills_gives_a_derived_mask(masks_of):
    original = textured()
    found, refusal = masks_of(noisy(swapped(original), 1), original=noisy(original, 2))
    disc = cv2.circle(np.zeros((SIZE, SIZE), np.uint8), (48, 48), 16, 255, cv2.FILLED)
    assert iou(found, disc) > 0.8
    assert refusal == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: textured(1), "another picture outside of the face: correlation"),
        (lambda one: np.roll(one, 5, axis=1), "another picture outside of the face: correlation"),
        (lambda one: one[:, ::-1], "another picture outside of the face: correlation"),
        (lambda one: one[:90], "its original has 96 x 90 pixels, the file 96 x 96"),
        (lambda one: None, "its original cannot be read"),
    ],
)
def test_a_still_that_is_not_the_original_is_refused_by_name(masks_of, change, says):
    original = textured()
    found, refusal = masks_of(swapped(original), original=change(original))
    assert found is None
    assert says in refusal


def test_before_an_even_wall_a_pair_is_a_pair(masks_of):
    wall = np.full((SIZE, SIZE, 3), 120, np.uint8)
    found, refusal = masks_of(noisy(swapped(wall), 1, 2.0), original=noisy(wall, 2, 2.0))
    assert (found > 0).any()
    assert refusal == ""


def test_a_given_mask_of_a_still_comes_before_a_derived_one(masks_of):
    original, given = textured(), np.zeros((SIZE, SIZE, 3), np.uint8)
    given[10:20, 30:40] = 255
    found, refusal = masks_of(swapped(original), original=original, mask=given)
    np.testing.assert_array_equal(found > 0, given[..., 0] > 0)
    _, refusal = masks_of(swapped(original), original=original, mask=given[:50])
    assert refusal == "its mask has 96 x 50 pixels, the file 96 x 96"


def test_the_real_pair_differs_inside_of_the_face_alone(shared_data, face_models):
    """Deepfakes 519_515 beside its original."""
    from jaxfake.faces.finder import FaceFinder

    root = shared_data / "ffpp"
    fake = root / "manipulated_sequences/Deepfakes/c23/videos/519_515.mp4"
    original = SecondVideo(root / "original_sequences/youtube/c23/videos/519.mp4", [0])
    frame = next(video.read_frames(fake, [0]))
    crop = align.crop(frame.image, FaceFinder(face_models).largest(frame.image).landmarks, 112)
    other = align.warp(original.at(0), crop.matrix, 112)
    mask = forgery_masks.derived_mask(crop.image, other, forgery_masks.THRESHOLD)
    hull = np.zeros((112, 112), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(crop.landmarks).astype(np.int32)), 1)
    assert 0.05 < (mask > 0).mean() < 0.3
    assert hull[mask > 0].mean() > 0.95
