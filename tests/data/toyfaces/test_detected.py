"""Stored landmarks have the error of our own detector, which is the same for reals and fakes."""

import cv2
import numpy as np

from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.detected import DETECTIONS, as_detected, usual_landmarks
from jaxfake.data.toyfaces.geometry import IOD
from jaxfake.data.toyfaces.latents import draw_identity
from jaxfake.data.toyfaces.render import render
from jaxfake.faces.finder import FaceFinder
from jaxfake.faces.model_files import FaceModels

SIDE, MARGIN, PEOPLE = 192, 48, 40


def followed(shown: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each group: the share of an unusual shape that is found; the error that is left, in IOD."""
    shares, errors = [], []
    for points, *_ in DETECTIONS:
        truth, seen = (
            (one - one.mean(axis=0))[:, points] for one in (shown, found)
        )  # away from the mean over people
        truth, seen = (one - one.mean(axis=1, keepdims=True) for one in (truth, seen))
        share = (truth * seen).sum() / (truth * truth).sum()
        shares.append(share)
        errors.append((seen - share * truth).std() / (IOD * SIDE))
    return np.array(shares), np.array(errors)


def test_every_point_is_found_near_where_it_is() -> None:
    rng = np.random.default_rng(0)
    scene = draw_clip(rng, draw_identity(rng), 1).scenes()[0]
    shown = render(scene, SIDE).landmarks
    usual = usual_landmarks(scene, SIDE)
    found = np.array([as_detected(rng, usual, shown, SIDE) for _ in range(200)])
    away = np.linalg.norm(found - shown, axis=2) / (IOD * SIDE)
    assert 0.03 < away.mean() < 0.25
    assert found.dtype == np.float32
    assert found.std(axis=0).min() > 0.01 * IOD * SIDE


def test_our_detector_errs_as_much(face_models: FaceModels) -> None:
    finder, rng = FaceFinder(face_models), np.random.default_rng(1)
    shown, found, drawn = [], [], []
    for _ in range(PEOPLE):
        scene = draw_clip(rng, draw_identity(rng), 1).scenes()[0]
        face = render(scene, SIDE)
        picture = cv2.copyMakeBorder(
            face.image.astype(np.uint8), *[MARGIN] * 4, cv2.BORDER_CONSTANT, value=(128, 128, 128)
        )
        located = finder.largest(picture)
        if located is not None:
            shown.append(face.landmarks)
            found.append(located.landmarks - MARGIN)
            drawn.append(as_detected(rng, usual_landmarks(scene, SIDE), face.landmarks, SIDE))
    assert len(shown) > 0.8 * PEOPLE
    shares, errors = followed(np.array(shown), np.array(found))
    our_shares, our_errors = followed(np.array(shown), np.array(drawn))
    np.testing.assert_allclose(our_shares, shares, atol=0.15)
    np.testing.assert_allclose(our_errors, errors, rtol=0.5)
