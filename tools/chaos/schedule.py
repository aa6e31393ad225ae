"""The events of a campaign, all drawn from its seed before it begins."""

import dataclasses

import numpy as np

from jaxfake.runtime.errors import InputError

SHARES = {
    "damage": 30,
    "term": 14,
    "hup": 6,
    "usr1": 6,
    "usr2": 6,
    "second": 7,
    "closed": 6,
    "kill": 6,
    "remove": 6,
    "pause": 4,
    "full": 3,
    "readonly": 3,
    "clock": 3,
}
"""Events of each kind in 100; our choice. Damage has most: a dozen kinds of files in three ways each."""


@dataclasses.dataclass(frozen=True)
class Event:
    """A fault that is to be injected into a run."""

    number: int
    kind: str
    moment: float  # when, as a share of the duration of a run
    severity: float  # 0 to 1; its meaning depends on the kind
    choice: int  # 0 to 999; chooses among the variants of a kind
    attempt: int = 0


def draw(seed: int, events: int, kinds: list[str]) -> list[Event]:
    """`events` events of these kinds in the proportions of `SHARES`, each kind at least once if possible.

    Raises:
        InputError: there is no such kind.
    """
    for kind in kinds:
        if kind not in SHARES:
            raise InputError(f"--kinds: there is no {kind!r}; there are {', '.join(SHARES)}")
    names = np.random.default_rng(seed).permutation(_counted(events, kinds))
    return [_event(seed, number, str(kind), 0) for number, kind in enumerate(names)]


def redraw(seed: int, event: Event) -> Event:
    """The same event at another instant, because the run was over before the first."""
    return _event(seed, event.number, event.kind, event.attempt + 1)


def _event(seed: int, number: int, kind: str, attempt: int) -> Event:
    rng = np.random.default_rng([seed, number, attempt])
    return Event(number, kind, rng.random(), rng.random(), int(rng.integers(1000)), attempt)


def _counted(events: int, kinds: list[str]) -> list[str]:
    """A list of kinds: always add the one furthest behind its share, beginning with one of each."""
    counts = dict.fromkeys(kinds, 0)
    for _ in range(events):
        behind = min(kinds, key=lambda kind: counts[kind] / SHARES[kind])
        counts[behind] += 1
    return [kind for kind, count in counts.items() for _ in range(count)]
