"""Some of many, at equal distances: no choice by content."""

import numpy as np


def evenly_spaced_rows(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the rows, at equal distances over all of them: no choice by content."""
    count = min(most, len(rows))
    places = (np.arange(count) + 0.5) * (len(rows) / max(count, 1))
    return rows[places.astype(np.int64)]


def first_to_last(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` places in order, the first and the last among them: int64 [k], rising."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)
