"""Splits by identity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfake.data.preparation.splits import (
    DEFAULT_SHARES,
    SPLITS,
    SplitShares,
    parse_shares,
    split_of,
)
from jaxfake.runtime.errors import InputError


@given(st.text(min_size=1))
def test_an_identity_is_always_in_the_same_split(name):
    assert split_of(name, DEFAULT_SHARES) == split_of(name, DEFAULT_SHARES) in SPLITS


def test_these_people_stay_where_they_are():
    """A change of the function would move people between the splits of datasets that exist."""
    names = [f"person {n}" for n in range(12)]
    assert (
        "".join(split_of(name, SplitShares(0.4, 0.3, 0.3))[1] for name in names) == "araereaeerea"
    )


def test_shares_are_kept():
    shares = SplitShares(0.5, 0.2, 0.3)
    found = [split_of(f"person {n}", shares) for n in range(4000)]
    for split, share in zip(SPLITS, shares, strict=True):
        assert abs(found.count(split) / 4000 - share) < 0.03


@pytest.mark.parametrize("shares", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.1 + 0.2, 0.7, 0)])
def test_a_share_of_nothing_gets_nobody(shares):
    found = {split_of(f"person {n}", SplitShares(*shares)) for n in range(2000)}
    assert found == {split for split, share in zip(SPLITS, shares, strict=True) if share}


@pytest.mark.parametrize(
    "text", ["", "1", "0.5,0.5", "0.5,0.5,0.5", "a,b,c", "1.2,-0.1,-0.1", "1,0,0,0"]
)
def test_shares_that_make_no_sense_are_refused(text):
    with pytest.raises(InputError, match="--splits="):
        parse_shares(text)


def test_shares_are_read():
    assert parse_shares("0.6,0.2,0.2") == (0.6, 0.2, 0.2)
