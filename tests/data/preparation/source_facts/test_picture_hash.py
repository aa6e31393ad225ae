"""Near copies: what counts as one, and what does not."""

import cv2
import numpy as np
import pytest

from jaxfake.data.preparation.source_facts.picture_hash import (
    FrameHashes,
    hash_picture,
    near_copies,
)
from jaxfake.faces.video import Frame
from tests.data.drawn import drawn_clip, drawn_photo

PEOPLE = 10


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def cut(picture: np.ndarray, share: float) -> np.ndarray:
    edge = round(share * len(picture))
    return picture[edge:-edge, edge:-edge]


COPIES = {
    "the same": lambda one: one,
    "JPEG of quality 20": lambda one: jpeg(one, 20),
    "half the size": lambda one: cv2.resize(
        one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
    ),
    "twice the size": lambda one: cv2.resize(one, None, fx=2, fy=2),
    "small and compressed": lambda one: jpeg(cv2.resize(one, (96, 96)), 50),
    "brighter": lambda one: cv2.convertScaleAbs(one, alpha=1.1, beta=8),
    "two percent cut off": lambda one: cut(one, 0.02),
    "four percent cut off": lambda one: cut(one, 0.04),
    "three percent cut off and compressed": lambda one: jpeg(cut(one, 0.03), 60),
}


def hashed(picture: np.ndarray) -> bytes:
    return hash_picture(np.ascontiguousarray(picture)).tobytes()


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_is_found_among_other_people(change):
    people = [hashed(drawn_photo(person)) for person in range(PEOPLE)]
    copies = [hashed(change(drawn_photo(person))) for person in range(PEOPLE)]
    found = set(near_copies([*people, *copies]))
    assert found == {(person, PEOPLE + person) for person in range(PEOPLE)}


def test_plain_pictures_are_copies_of_nothing():
    """A black or white picture, or a wall, has nothing to recognise it by."""
    plain = [np.full((64, 64, 3), grey, np.uint8) for grey in (0, 0, 255)]
    noisy = np.random.default_rng(0).integers(100, 104, (64, 64, 3)).astype(np.uint8)
    assert not list(near_copies([hashed(one) for one in (*plain, noisy, noisy)]))


def clip_hashes(frames, indices=None) -> bytes:
    chosen = list(range(len(frames))) if indices is None else indices
    hashes = FrameHashes(chosen)
    read = [Frame(number, frames[number]) for number in chosen]
    assert list(hashes.watch(iter(read))) == read
    return hashes.joined()


def test_a_clip_is_compared_place_by_place():
    clip, other = drawn_clip(1, 12), drawn_clip(2, 12)
    encoded_again = [jpeg(frame, 30) for frame in clip]
    fewer = clip_hashes(clip, [0, 1, 3, 4, 5, 7, 8, 10, 11])
    replaced = [*clip[:2], *other[2:]]  # a common beginning does not make it a copy
    hashes = [clip_hashes(one) for one in (clip, encoded_again, other, replaced)]
    found = set(near_copies([*hashes, fewer, hashed(clip[0]), b""]))
    assert found == {(0, 1), (0, 4), (1, 4), (2, 3)}


def test_the_pairs_do_not_depend_on_how_many_are_compared_at_once(monkeypatch):
    pictures = [drawn_photo(person) for person in range(PEOPLE)]
    hashes = [hashed(one) for one in pictures] + [hashed(jpeg(one, 40)) for one in pictures]
    expected = set(near_copies(hashes))
    assert len(expected) == PEOPLE
    for rows, columns in ((1, 1), (3, 7), (7, 3), (20, 64)):
        monkeypatch.setattr("jaxfake.data.preparation.source_facts.picture_hash._ROWS", rows)
        monkeypatch.setattr("jaxfake.data.preparation.source_facts.picture_hash._COLUMNS", columns)
        found = list(near_copies(hashes))
        assert set(found) == expected
        assert len(found) == len(expected)
