"""Which files share a split."""

import hashlib
import random
from pathlib import Path

import pytest

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation.source_facts.belonging import (
    belonging,
    refuse_contradictions,
    refuse_parted,
)
from jaxfake.data.preparation.splits import DEFAULT_SHARES, SplitShares, split_of
from jaxfake.runtime.errors import InputError

EVEN = SplitShares(0.4, 0.3, 0.3)


def file(name: str, identity: str = "", split: str = "", label: int = schema.REAL, linked=()):
    who = identity or name
    return SourceFile(Path(name), name, label, "real", who, name, split, linked=tuple(linked))


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def different(files) -> list[str]:
    return [digest(one.relative) for one in files]


def splits_of(found) -> list[set[str]]:
    return [{one.split for one in found.files}, {one.identity for one in found.files}]


def test_files_of_their_own_stay_where_their_identity_is():
    files = [file(f"person{n}") for n in range(40)]
    found = belonging(files, different(files), (), EVEN)
    assert [one.split for one in found.files] == [split_of(one.identity, EVEN) for one in files]
    assert [one.identity for one in found.files] == [one.identity for one in files]
    assert found.in_numbers["equal_files"] == found.in_numbers["joined_identities"] == 0


def test_equal_files_near_copies_and_linked_identities_share_a_split():
    """A chain: each is tied to the next by something else."""
    files = [file("d"), file("b", linked=["x"]), file("a"), file("e", linked=["x"]), file("z")]
    digests = different(files)
    digests[0] = digests[1]
    found = belonging(files, digests, [(2, 3)], EVEN)
    chain, alone = found.files[:4], found.files[4]
    assert {one.identity for one in chain} == {"a"}
    assert {one.split for one in chain} == {split_of("a", EVEN)}
    assert alone == belonging([file("z")], different([file("z")]), (), EVEN).files[0]
    counts = {"equal_files": 2, "near_copies": 2, "joined_identities": 5, "joined_into": 1}
    assert {name: found.in_numbers[name] for name in counts} == counts


def test_neither_the_order_of_files_nor_of_pairs_makes_a_difference():
    files = [file(f"{n % 9:02}-{n}", f"person{n % 17}") for n in range(60)]
    digests = [digest(str(n // 3)) if n < 12 else digest(f"own {n}") for n in range(60)]
    near = [(n, n + 7) for n in range(20, 40, 3)]
    expected = {one.relative: one for one in belonging(files, digests, near, EVEN).files}
    for seed in range(5):
        order = random.Random(seed).sample(range(60), 60)
        place = {old: new for new, old in enumerate(order)}
        moved = [tuple(sorted((place[one], place[other]))) for one, other in near]
        random.Random(seed).shuffle(moved)
        shuffled = [files[old] for old in order], [digests[old] for old in order]
        found = belonging(*shuffled, moved, EVEN)
        assert {one.relative: one for one in found.files} == expected


def test_equal_content_under_both_labels_is_refused_by_name():
    files = [file("real/a.jpg"), file("fake/b.jpg", label=schema.FAKE), file("real/c.jpg")]
    with pytest.raises(InputError, match=r"real/a\.jpg \(real\) and fake/b\.jpg \(fake\)"):
        refuse_contradictions(files, [digest("x"), digest("x"), digest("y")])


def test_a_file_of_unknown_label_hides_no_contradiction():
    files = [
        file("a", label=schema.UNKNOWN),
        file("b"),
        file("c", label=schema.FAKE),
        file("d", label=schema.FAKE),
    ]
    with pytest.raises(InputError, match=r"^b \(real\) and c \(fake\) are equal byte for byte:"):
        refuse_contradictions(files, [digest("x")] * 4)
    assert belonging(files, [digest("x")] * 4, (), EVEN).in_numbers["both_labels"] == 1


@pytest.mark.parametrize("first", ["", "train"])
def test_equal_files_in_two_given_splits_are_refused_by_name(first):
    files = [file("a", split=first), file("b", split="train"), file("c", split="test")]
    with pytest.raises(InputError, match=r"\(train\) and c \(test\) .* in two splits: do this"):
        refuse_parted(files, [digest("x")] * 3, "do this")
    refuse_parted(files, different(files), "do this")
    assert belonging(files, [digest("x")] * 3, (), EVEN).in_numbers["crossing"] == 1


EMPTY = hashlib.sha256().hexdigest()


@pytest.mark.parametrize("content", ["", EMPTY, "unreadable: Permission denied", "no regular file"])
def test_what_has_no_content_is_not_equal(content):
    files = [file("a"), file("b", label=schema.FAKE), file("c")]
    refuse_contradictions(files, [content] * 3)
    assert belonging(files, [content] * 3, (), EVEN).in_numbers["equal_files"] == 0


def test_near_copies_may_have_both_labels():
    """A fake is meant to look like its original: they share a split, and nothing is refused."""
    files = [file("real/a"), file("fake/a2", label=schema.FAKE)]
    refuse_contradictions(files, different(files))
    found = belonging(files, different(files), [(0, 1)], EVEN)
    assert all(len(names) == 1 for names in splits_of(found))


def test_splits_of_the_dataset_stand_and_what_crosses_them_is_named():
    files = [file("a", "x", "train"), file("b", "y", "test"), file("c", "z", "test")]
    digests = [digest("one"), digest("one"), digest("two")]
    found = belonging(files, digests, [(0, 2), (1, 2)], DEFAULT_SHARES)
    assert found.files == files
    assert found.in_numbers["own_splits"]
    assert found.in_numbers["crossing"] == 2
    assert found.in_numbers["crossing_examples"] == [
        ["a (train)", "b (test)"],
        ["a (train)", "c (test)"],
    ]


def test_equal_files_are_not_counted_as_near_copies_too():
    files = [file("a", "x", "train"), file("b", "y", "test"), file("c", "z", "train")]
    near = [(0, 1), (0, 2), (1, 2)]
    found = belonging(files, [digest("one")] * 3, near, DEFAULT_SHARES).in_numbers
    assert (found["equal_files"], found["near_copies"], found["crossing"]) == (3, 0, 1)


def test_a_file_without_a_split_follows_the_copy_that_has_one():
    files = [file("a", "x", "val"), file("b", "y"), file("c", "x")]
    found = belonging(files, [digest("one"), digest("one"), digest("two")], (), EVEN)
    assert [one.split for one in found.files] == ["val", "val", "val"]
