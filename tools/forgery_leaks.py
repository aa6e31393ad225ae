"""What betrays forgeries without any evidence in the face, with the guards and without each of them.

    python -m tools.forgery_leaks --faces=PREPARED [--without=nothing,pristine] [--only=twin]

Reads faces of the dataset, forged and augmented as for training, and fits a probe to each kind: boosted
trees on numbers of the pixels outside of the mask, and others on those inside. Real faces are measured
through the mask of another forgery of theirs. The probes are fitted to the split train and measured on the
other splits, whose people they have not seen. A row is printed as soon as it is known.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from absl import flags

from jaxfake import schema
from jaxfake.data import pipeline
from jaxfake.data.dataset import FaceDataset, open_split, split_names
from jaxfake.data.forgeries.chain import Forger, make_forger
from jaxfake.data.forgeries.forgery import ALL_GUARDS, KINDS, Forgery, Guards, Kind
from jaxfake.evaluation.evidence import leak_probe
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path

GUARDS = {
    "nothing": ALL_GUARDS,
    "pristine": dataclasses.replace(ALL_GUARDS, pristine=False),
    "symmetric": dataclasses.replace(ALL_GUARDS, symmetric=False),
    "self_blended": dataclasses.replace(ALL_GUARDS, self_blended=0.0),
    "all": Guards(pristine=False, symmetric=False, self_blended=0.0),
}
"""The guards that are left, by what is left out."""

_FACES = define_path("faces", None, "Folder of a prepared dataset with the splits train and test.")
_ONLY = flags.DEFINE_list("only", list(KINDS), "Kinds of forgeries.")
_WITHOUT = flags.DEFINE_list(
    "without", list(GUARDS), f"What to leave out, rows for each: {', '.join(GUARDS)}."
)
_FIT = flags.DEFINE_integer("fit", 1500, "Faces of each class that the probes are fitted to.", 10)
_TURNS = flags.DEFINE_integer("turns", 1, "How often each face of the other splits is measured.", 1)

_SEED = 0

_OTHER_TURNS = 1 << 20
"""Turns of which only masks are taken, to measure real faces through."""

_AUGMENTATION = pipeline.Augmentation(smallest_crop=0.9, photometric=0.5)


class Described(NamedTuple):
    """Real and forged faces in numbers."""

    outside: np.ndarray  # float32 [n, f]
    inside: np.ndarray  # float32 [n, f]
    labels: np.ndarray  # int32 [n]
    people: np.ndarray  # str [n]


def main() -> None:
    """Prints a table, a row for each choice of guards and kind."""
    train, others = _splits()
    print("| without | kind | outside | 95 % | inside | 95 % | faces |\n" + "| --- " * 7 + "|")
    for left_out in _WITHOUT.value:
        for kind in _ONLY.value:
            fit = described(train, kind, left_out, _FIT.value)
            parts = [described(one, kind, left_out, _TURNS.value * _reals(one)) for one in others]
            unseen = Described(*(np.concatenate(part) for part in zip(*parts, strict=True)))
            aucs = [
                leak_probe.probe((one, fit.labels), (two, unseen.labels), unseen.people)
                for one, two in ((fit.outside, unseen.outside), (fit.inside, unseen.inside))
            ]
            cells = " | ".join(map(_in_words, aucs))
            print(f"| {left_out} | {kind} | {cells} | {len(unseen.labels)} |", flush=True)


def _splits() -> tuple[FaceDataset, list[FaceDataset]]:
    if not _FACES.value:
        raise InputError("--faces is missing: give it the folder of a prepared dataset")
    for name, given, known in (("only", _ONLY.value, KINDS), ("without", _WITHOUT.value, GUARDS)):
        for one in given:
            if one not in known:
                raise InputError(f"--{name}={one}: there is {', '.join(known)}")
    root = Path(_FACES.value)
    others = [open_split(root, name, None) for name in split_names(root) if name != "train"]
    if not others:
        raise InputError(f"{root} has no split but train: there are no other people to measure on")
    return open_split(root, "train", None), others


def _reals(faces: FaceDataset) -> int:
    return int((faces.index.label == schema.REAL).sum())


def described(faces: FaceDataset, kind: str, left_out: str, count: int) -> Described:
    """`count` real faces, some of them more than once, and as many forgeries of one kind."""
    forgery = Forgery(cast("Kind", kind), 1.0, 1.0)
    forger = make_forger(faces, (forgery,), _SEED, GUARDS[left_out])
    rows = np.random.default_rng(_SEED).permutation(forger.forgeable.rows)
    drawn = [divmod(at, len(rows)) for at in range(count)]
    found = [one for turn, at in drawn for one in _pair(forger, forgery, int(rows[at]), turn)]
    outside, inside, labels, places = zip(*found, strict=True)
    people = faces.index.identity[list(places)]
    return Described(np.stack(outside), np.stack(inside), np.array(labels), people)


def _pair(
    forger: Forger, forgery: Forgery, row: int, turn: int
) -> Iterator[tuple[np.ndarray, np.ndarray, int, int]]:
    """A real face and a forgery of it, with draws of their own: numbers of each, label and row."""
    fake = forger.forged(forgery, row, turn)
    mask = forger.forged(forgery, row, turn + _OTHER_TURNS).forgery_mask
    real = forger.real(row, turn)._replace(forgery_mask=mask)
    for label, example in ((schema.REAL, real), (schema.FAKE, fake)):
        rng = np.random.default_rng([_SEED, row, turn, label])
        seen = pipeline.augmented(example, _AUGMENTATION, rng)
        outside = leak_probe.outside_of(seen.forgery_mask)
        where = (outside, seen.forgery_mask > 0)
        described = [leak_probe.describe(seen.image, pixels) for pixels in where]
        yield described[0], described[1], label, row


def _in_words(auc: Auc) -> str:
    if isinstance(auc.value, Undefined) or isinstance(auc.ci95, Undefined):
        return "– | –"
    return f"{auc.value:.3f} | {auc.ci95[0]:.3f} to {auc.ci95[1]:.3f}"


if __name__ == "__main__":
    cli.run(main)
