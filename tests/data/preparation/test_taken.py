"""What is said of a source before any work is done."""

from pathlib import Path

from jaxfake.data.layouts.listing import Listing, SourceFile
from jaxfake.data.preparation import taken
from jaxfake.data.preparation.splits import DEFAULT_SHARES, SplitShares


def listing(*files, **more):
    made = [
        SourceFile(Path(name), name, label, method, identity, name, split, linked=tuple(linked))
        for name, label, method, identity, split, *linked in files
    ]
    return Listing(made, [], "by folder", **more)


LISTED = listing(
    *((f"real/{n}.jpg", 0, "real", f"p{n}", "train") for n in range(5)),
    ("fake/Swap/0_1.jpg", 1, "Swap", "p0", "train", "p1"),
    ("fake/Blend/" + "long" * 20 + ".jpg", 1, "Blend", "p9", "val"),
    identity="by the names",
    split="",
    notes=["3 clips"],
)


def test_labels_manipulations_people_and_splits_with_three_examples_each():
    lines = taken.table(LISTED, DEFAULT_SHARES)
    rows = {tuple(line.split()[:3]): line for line in lines}
    assert rows["label", "real", "5"].endswith("real/0.jpg  real/1.jpg  real/2.jpg")
    assert ("label", "fake", "2") in rows
    assert rows["manipulation", "Swap", "1"].endswith("fake/Swap/0_1.jpg")
    assert "p0 (real/0.jpg)" in next(line for line in lines if line.startswith("identity"))
    assert ("split", "train", "6") in rows
    assert max(map(len, lines)) < 140
    assert "3 clips" in lines
    assert "labels: by folder; identities: by the names; splits: by identity" in lines
    assert "People who share a file share a split: 1 are joined to others." in lines


def test_many_manipulations_are_summed_up():
    many = listing(*((f"f{n}.jpg", 1, f"method{n:02}", f"p{n}", "train") for n in range(30)))
    lines = [line for line in taken.table(many, DEFAULT_SHARES) if line.startswith("manipulation")]
    assert len(lines) == 11
    assert "20 more" in lines[-1]


def test_when_every_file_is_its_own_person_it_is_said():
    alone = listing(*((f"{n}.jpg", 0, "real", f"{n}", "train") for n in range(3)))
    assert taken.counts(alone)["each_file_its_own_identity"]
    assert any("taken as another person" in line for line in taken.table(alone, DEFAULT_SHARES))
    assert not taken.counts(LISTED)["each_file_its_own_identity"]
    assert not any("taken as another" in line for line in taken.table(LISTED, DEFAULT_SHARES))


def test_a_split_that_nobody_is_in_is_named():
    def said(split: str, shares: SplitShares) -> list[str]:
        files = listing(("a.jpg", 0, "real", "a", "train"), split=split)
        return [line for line in taken.table(files, shares) if "Nobody" in line]

    assert said("by folder", DEFAULT_SHARES) == [
        "Nobody is in val: the source says so.",
        "Nobody is in test: the source says so.",
    ]
    assert said("", SplitShares(0.5, 0.5, 0.0)) == [
        "Nobody is in val: too few people can be parted."
    ]


def test_names_cannot_disturb_the_terminal():
    odd = listing(("a\x1b[31m.jpg", 0, "real", "p\nq", "train"))
    assert all(line.isprintable() for line in taken.table(odd, DEFAULT_SHARES))
