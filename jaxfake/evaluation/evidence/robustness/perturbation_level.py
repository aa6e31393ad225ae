"""One perturbation at one level, as commands name it: h264:4."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxfake.evaluation.evidence.robustness.perturbations import (
    LEVELS,
    PERTURBATIONS,
    VIDEO_CODED,
    Perturbation,
    parse_perturbations,
)
from jaxfake.runtime.errors import InputError


class PerturbationLevel(NamedTuple):
    """A perturbation by its name, at a level of 1..5."""

    name: str
    level: int

    def __str__(self) -> str:
        return f"{self.name}:{self.level}"

    @property
    def kind(self) -> Perturbation:
        """What is done at all levels."""
        return PERTURBATIONS[self.name]

    @property
    def shrinks_to(self) -> float:
        """The side of a face on its way, by its side."""
        return self.kind.shrinks_to(self.kind.parameters[self.level - 1])

    @property
    def is_video_coded(self) -> bool:
        """Whether frames are encoded as a video does."""
        return self.name in VIDEO_CODED


def parse_levels(flag: str, texts: Sequence[str]) -> tuple[PerturbationLevel, ...]:
    """The perturbations that a flag names, such as h264:4, each once.

    Raises:
        InputError: one is not written so, is not known, or needs a library that is not installed.
    """
    parsed = []
    for text in dict.fromkeys(texts):
        name, _, level = text.partition(":")
        if name not in PERTURBATIONS or level not in map(str, LEVELS):
            raise InputError(
                f"--{flag}={text} is not a perturbation at a level: write such as h264:4, with one of "
                f"{', '.join(PERTURBATIONS)} and a level of 1 to {LEVELS[-1]}"
            )
        parsed.append(PerturbationLevel(name, int(level)))
    parse_perturbations([one.name for one in parsed])  # refuses what cannot be done here
    return tuple(parsed)
