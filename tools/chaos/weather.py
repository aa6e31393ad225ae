"""The events of a storm, all drawn from its seed before it begins."""

from typing import NamedTuple

import numpy as np

from jaxfake.runtime.errors import InputError

SHARES = {
    "damage": 36,
    "term": 30,
    "kill": 8,
    "remove": 8,
    "pause": 6,
    "full": 4,
    "readonly": 4,
    "clock": 4,
}
"""Of 100 events; our choice. Damage has most: there are a dozen kinds of files to damage in three ways."""


class Event(NamedTuple):
    """Something that happens to a run."""

    number: int
    kind: str
    moment: float  # when, 0 to 1 of the length of a run
    severity: float  # 0 to 1; what it means is up to the kind
    choice: int  # 0 to 999; of the ways that a kind knows
    attempt: int = 0


def draw(seed: int, events: int, kinds: list[str]) -> list[Event]:
    """`events` events of these kinds in the proportions of `SHARES`, each kind at least once if it can.

    Raises:
        InputError: no such kind.
    """
    for kind in kinds:
        if kind not in SHARES:
            raise InputError(f"--kinds: there is no {kind!r}; there are {', '.join(SHARES)}")
    names = np.random.default_rng(seed).permutation(_counted(events, kinds))
    return [_event(seed, number, str(kind), 0) for number, kind in enumerate(names)]


def again(seed: int, event: Event) -> Event:
    """The same event at another moment, for a run that was over before the first."""
    return _event(seed, event.number, event.kind, event.attempt + 1)


def _event(seed: int, number: int, kind: str, attempt: int) -> Event:
    rng = np.random.default_rng([seed, number, attempt])
    return Event(number, kind, rng.random(), rng.random(), int(rng.integers(1000)), attempt)


def _counted(events: int, kinds: list[str]) -> list[str]:
    """Names of kinds: always the one that is furthest behind its share, beginning with one of each."""
    counts = dict.fromkeys(kinds, 0)
    for _ in range(events):
        behind = min(kinds, key=lambda kind: counts[kind] / SHARES[kind])
        counts[behind] += 1
    return [kind for kind, count in counts.items() for _ in range(count)]
