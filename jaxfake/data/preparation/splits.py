"""Which split an identity belongs to: a fixed function of its name, so that no identity is in two."""

import hashlib
from typing import NamedTuple

from jaxfake.runtime.errors import InputError


class SplitShares(NamedTuple):
    """Shares of the identities; they sum to one."""

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1


SPLITS = TRAIN, VAL, TEST = SplitShares._fields
DEFAULT_SHARES = SplitShares()


def parse_shares(text: str) -> SplitShares:
    """Reads '0.8,0.1,0.1'.

    Raises:
        InputError: not three numbers from 0 to 1 that sum to 1.
    """
    try:
        shares = SplitShares(*map(float, text.split(",")))
    except (TypeError, ValueError):
        shares = SplitShares(-1)
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6 or text.count(",") != 2:
        raise InputError(
            f"--splits={text}: give the shares of train, val and test, such as 0.8,0.1,0.1"
        )
    return shares


def split_of(identity: str, shares: SplitShares) -> str:
    """The split of an identity. Depends on nothing else, so adding files moves nobody."""
    digest = hashlib.sha256(f"split of {identity}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < shares.train:
        return TRAIN
    # Without a test share nothing may end there by rounding.
    return VAL if place < shares.train + shares.val or not shares.test else TEST
