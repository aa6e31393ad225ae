"""The probe finds what was done to whole pictures, and nothing in forgeries that are made with guards."""

import cv2
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data import pipeline
from jaxfake.data.augment.photometric import degrade, draw_photometrics
from jaxfake.data.forgeries.forge import blend_with_itself, forge
from jaxfake.data.forgeries.forgery import KINDS, Face
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces, examples
from jaxfake.evaluation.evidence import leak_probe
from jaxfake.schema import Example

PEOPLE = 80
AUGMENTATION = pipeline.Augmentation(smallest_crop=0.9, photometric=0.5)


@pytest.fixture(scope="module")
def reals() -> list[Example]:
    options = ToyFaces(size=96, test=SplitSize(identities=PEOPLE, forgeries=0, frames=1))
    return list(examples(options, "test"))


def pair(reals, person: int, kind) -> tuple[Example, Example]:
    """A real face blended with itself and its forgery, through the same mask."""
    real, other = reals[person], reals[(person + 1) % PEOPLE]
    face, donor = (Face(one.image, one.landmarks) for one in (real, other))
    made = [
        make(np.random.default_rng(person), face, donor, kind)
        for make in (blend_with_itself, forge)
    ]
    kept, forged = (real._replace(image=one.image, forgery_mask=made[1].mask) for one in made)
    return kept, forged._replace(label=schema.FAKE)


def auc(reals, kind, leak=lambda fake, person: fake) -> float:
    """Of the probe, fitted to half of the people and measured on the others."""
    found, labels, people = [], [], []
    for person in range(PEOPLE):
        kept, forged = pair(reals, person, kind)
        for example in (kept, leak(forged, person)):
            seen = pipeline.augmented(example, AUGMENTATION, np.random.default_rng(person))
            outside = leak_probe.outside_of(seen.forgery_mask)
            found.append(leak_probe.describe(seen.image, outside))
            labels.append(example.label)
            people.append(person)
    features, labels, people = np.stack(found), np.array(labels), np.array(people)
    assert np.isfinite(features).mean() > 0.9
    fit = people < PEOPLE // 2
    return leak_probe.probe(
        (features[fit], labels[fit]), (features[~fit], labels[~fit]), people[~fit]
    ).value


@pytest.mark.parametrize("kind", KINDS)
def test_outside_of_the_mask_forgeries_are_not_told_from_real_faces(reals, kind):
    assert auc(reals, kind) <= 0.52


def test_the_probe_finds_fakes_that_alone_were_encoded_again(reals):
    def encoded(fake, person):
        drawn = draw_photometrics(np.random.default_rng(person))
        return fake._replace(image=degrade(fake.image, drawn))

    assert auc(reals, "self_blend", encoded) > 0.6


def test_the_probe_finds_a_target_that_was_perturbed(reals):
    def smoothed(fake, person):
        return fake._replace(image=cv2.GaussianBlur(fake.image, (0, 0), 0.8))

    assert auc(reals, "self_blend", smoothed) > 0.75


def test_the_probe_is_blind_to_what_is_inside_of_the_mask(reals):
    image, mask = reals[0].image, np.zeros((96, 96), np.uint8)
    mask[40:60, 30:50] = 255
    changed = image.copy()
    changed[mask > 0] = 0
    outside = leak_probe.outside_of(mask)
    np.testing.assert_array_equal(
        leak_probe.describe(image, outside), leak_probe.describe(changed, outside)
    )
    assert not np.array_equal(
        leak_probe.describe(image, mask > 0), leak_probe.describe(changed, mask > 0)
    )


def test_a_face_without_enough_pixels_outside_is_not_described(reals):
    mask = np.full((96, 96), 255, np.uint8)
    assert np.isnan(leak_probe.describe(reals[0].image, leak_probe.outside_of(mask))).all()


def test_the_borders_of_blocks_stand_out_where_they_are():
    image = np.full((96, 96, 3), 90, np.uint8)
    image[:, 48:] = 130  # a step between the columns 47 and 48, so at place 7 of a block
    described = leak_probe.describe(image, np.ones((96, 96), np.bool_))
    assert described[:8].argmax() == 7
    assert described[8:16].max() == 0
