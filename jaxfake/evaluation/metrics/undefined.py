"""What stands in place of a number that does not exist."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Undefined:
    """Why a metric has no value; never replaced by 0 or 1."""

    reason: str
