"""Which fake was made of which real face, and both through the same masks."""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.runtime.errors import InputError


class FaceBatch(NamedTuple):
    """Faces, each with what it is masked by; the last batch repeats its last face."""

    image: np.ndarray  # uint8 [B, H, W, 3]
    landmarks: np.ndarray  # float32 [B, 68, 2]
    mask_seed: np.ndarray  # uint32 [B]
    others: tuple[np.ndarray, ...]  # uint8 [B, H, W, 3] each, real faces of other people
    faces: int  # how many are not repeated


def read_originals(table: Path, faces: FaceDataset) -> np.ndarray:
    """The row of the original of each face of a split, int64 [n]; its own for real ones, -1 if unknown.

    Args:
        table: tab-separated, with the columns `path` of a file and `pair`, the file of its original.
        faces: prepared from these files; the names of their videos are paths without a suffix.

    Raises:
        InputError: the table cannot be read, lacks a column or has no fake of the split.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            pairs = {
                _stem(row["path"]): _stem(row["pair"])
                for row in csv.DictReader(file, delimiter="\t")
            }
    except (OSError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise InputError(f"--pairs={table} is no table of 'path' and 'pair': {error}") from error
    at = faces.index
    row_of = {name: row for row, name in enumerate(at.video_id.tolist())}
    rows = np.arange(len(faces))
    found = [row_of.get(pairs.get(name, ""), -1) for name in at.video_id.tolist()]
    originals = np.where(at.label == schema.REAL, rows, np.array(found, np.int64))
    fakes = at.label == schema.FAKE
    if fakes.any() and (originals[fakes] < 0).all():
        raise InputError(
            f"--pairs={table} names no fake of the split {faces.split!r} with its original: its paths "
            f"without their suffixes must be names of videos, such as {at.video_id[0]!r}"
        )
    return originals


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix("")) if path else ""


def batches(
    faces: FaceDataset, rows: np.ndarray, originals: np.ndarray, contexts: int, size: int
) -> Iterator[FaceBatch]:
    """The faces at `rows` in order, each masked as its original is, beside the same other faces.

    Args:
        faces: of a split.
        rows: int64 [n].
        originals: see `read_originals`; a face of unknown original is masked by its own landmarks.
        contexts: number of other faces.
        size: B.
    """
    reals = np.flatnonzero(faces.index.label == schema.REAL)
    people = faces.index.identity
    for start in range(0, len(rows), size):
        chosen = rows[start : start + size]
        padded = np.concatenate([chosen, np.repeat(chosen[-1:], size - len(chosen))])
        sources = np.where(originals[padded] >= 0, originals[padded], padded)
        guides = [faces[int(row)] for row in sources]
        yield FaceBatch(
            image=np.stack([faces[int(row)].image for row in padded]),
            landmarks=np.stack([one.landmarks for one in guides]),
            mask_seed=sources.astype(np.uint32),
            others=tuple(
                np.stack([faces[_other(int(row), n, reals, people)].image for row in sources])
                for n in range(contexts)
            ),
            faces=len(chosen),
        )


def _other(row: int, number: int, reals: np.ndarray, people: np.ndarray) -> int:
    """A real face of another person: the same ones for a face and for the fake of it."""
    drawn = np.random.default_rng([row, number]).permutation(reals)[:64]
    return int(next(one for one in drawn if people[one] != people[row]))
