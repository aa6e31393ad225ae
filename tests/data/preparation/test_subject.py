"""Who is cut out of a clip with several people: not whom the label points to, unless that is asked for."""

import json

import cv2
import numpy as np
import pytest

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import coverage, coverage_text
from jaxfake.data.preparation.cropping import CropOptions
from jaxfake.data.preparation.prepare import prepare
from jaxfake.faces import align
from jaxfake.faces.finder import Face
from tests.data.preparation import stand_in
from tests.data.preparation.stand_in import StandInCropper

SIDE, FRAMES = 128, 3
LARGE, SMALL = (40, 64), (100, 64)
"""Where the faces are: their centres."""


def face(centre, radius):
    turns = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = (np.stack([np.cos(turns), np.sin(turns)], 1) * radius + centre).astype(np.float32)
    x, y = centre
    box = np.array([x - radius, y - radius, x + radius, y + radius], np.float32)
    return Face(points, box, 1.0)


class TwoPeople:
    """Finds the same two people in every picture, the larger one first."""

    def several(self, image, most):
        return [face(LARGE, 20), face(SMALL, 12)][:most]


class TwoPeopleCropper(StandInCropper):
    def __init__(self, models, options, on_frames=None):
        super().__init__(models, options, on_frames)
        self._finder = TwoPeople()


def frames(folder, seed, centre=None):
    """Pictures of noise, or masks of the person around `centre`."""
    folder.mkdir(parents=True)
    for n in range(FRAMES):
        rng = np.random.default_rng(100 * seed + n)
        picture = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
        if centre is not None:
            picture[:] = 0
            cv2.circle(picture, centre, 8, (255, 255, 255), cv2.FILLED)
        (folder / f"{n:04}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return folder


def where(crops):
    """The person whom the crops show, by their centres in the frame."""
    middle = np.array([[stand_in.SIZE / 2, stand_in.SIZE / 2]])
    centres = [
        align.apply(align.inverse(one.astype(np.float64)), middle)[0, 0] for one in crops.matrices
    ]
    people = {LARGE if abs(x - LARGE[0]) < abs(x - SMALL[0]) else SMALL for x in centres}
    (person,) = people
    return person


@pytest.fixture
def crops(tmp_path):
    """Crops of a clip by a rule, for a fake with a mask or a real video without."""
    clip = frames(tmp_path / "clip", 1)
    masks = {place: frames(tmp_path / f"mask{place}", 2, place) for place in (LARGE, SMALL)}

    def cropped(rule, label, split, place=None):
        mask = masks[place] if place else None
        source = SourceFile(clip, "clip", label, "swap", "ann", "clip", split, mask)
        options = CropOptions(stand_in.SIZE, FRAMES, "png", subject=rule)
        return TwoPeopleCropper(None, options).encoded(source)

    return cropped


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_mask_does_not_choose_the_subject_in_any_split(crops, split):
    real = crops("largest", schema.REAL, split)
    assert where(real) == LARGE
    for manipulated in (LARGE, SMALL):
        fake = crops("largest", schema.FAKE, split, manipulated)
        assert where(fake) == LARGE
        assert fake.pictures == real.pictures
        assert fake.status.masked == FRAMES
        assert fake.status.manipulated == (FRAMES if manipulated == LARGE else 0)


def test_on_request_the_mask_does(crops):
    assert where(crops("mask", schema.FAKE, "test", SMALL)) == SMALL
    assert where(crops("mask", schema.FAKE, "test", LARGE)) == LARGE
    assert where(crops("mask", schema.REAL, "test")) == LARGE


def test_everyone_is_followed_and_the_subject_comes_first(tmp_path, crops):
    clip = tmp_path / "clip"
    source = SourceFile(clip, "clip", schema.UNKNOWN, "unknown", "ann", "clip")
    options, read = CropOptions(stand_in.SIZE, FRAMES, "png"), [0, 0]

    def on_frames(to_read, done):
        read[0] += to_read
        read[1] += done

    cropper = TwoPeopleCropper(None, options, on_frames)
    first, second = cropper.everyone(source)
    assert [where(first), where(second)] == [LARGE, SMALL]
    assert first.pictures == cropper.encoded(source).pictures
    assert first.attributes.format == second.attributes.format == "PNG"
    assert read == [2 * FRAMES, 2 * FRAMES]
    pictures = [cv2.imread(str(one))[..., ::-1] for one in sorted(clip.iterdir())]
    in_memory = cropper.everyone_in(pictures)
    assert [one.pictures for one in in_memory] == [first.pictures, second.pictures]


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """FaceForensics++ of one pair as frames, whose fake is of the smaller person."""
    stand_in.install(monkeypatch)
    monkeypatch.setattr("jaxfake.data.preparation.crop_sources.Cropper", TwoPeopleCropper)
    source = tmp_path / "FF"
    frames(source / "original_sequences/youtube/c23/images/000", 3)
    swaps = source / "manipulated_sequences/Deepfakes"
    frames(swaps / "c23/images/000_003", 4)
    frames(swaps / "masks/images/000_003", 5, SMALL)
    (source / "splits").mkdir()
    for split, pairs in (("train", []), ("val", []), ("test", [["000", "003"]])):
        (source / "splits" / f"{split}.json").write_text(json.dumps(pairs))

    def run(rule):
        options = CropOptions(stand_in.SIZE, FRAMES, "png", subject=rule)
        return prepare(stand_in.wanted(source, tmp_path / rule, crops=options, dataset="ffpp"))

    return run


def test_coverage_says_whom_the_masks_miss(prepared):
    result = prepared("largest")
    counted = result.coverage
    assert counted.settings["subject"] == "largest"
    assert counted.coverage["test"]["Deepfakes"]["beside_mask"] == 1
    said = "In 1 of 1 fakes with a mask the subject is not who was manipulated."
    assert said in coverage.caveats(result.dataset)
    assert said in coverage_text.remarks(counted)


def test_every_result_names_a_choice_by_the_mask(prepared):
    result = prepared("mask")
    assert result.coverage.settings["subject"] == "mask"
    assert result.coverage.coverage["test"]["Deepfakes"]["beside_mask"] == 0
    (caveat,) = [one for one in coverage.caveats(result.dataset) if "--subject=mask" in one]
    assert "the label decides who is looked at, in 1 fakes" in caveat
