"""What was learned on validation of how scores become likelihood ratios, and how it is stored.

A calibration is fitted once, by `fit`, on videos that are neither trained on nor tested. It is a file of
its own, with a digest of all that it holds, so that every ratio can name where it comes from.
"""

import dataclasses
import math
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.special import expit, logit

from jaxfake.evaluation.evidence import fitted_json
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.result_files import write_json
from jaxfake.runtime.files import read_json

Kind = Literal["temperature", "platt", "isotonic"]

CLIP = 1e-6
"""Probabilities are clipped to this distance from 0 and 1, so that their logits are finite; our choice."""

_LN10 = math.log(10.0)
_MOST_BYTES = 1 << 28
_REASON = "not_calibrated"
_REMEDY = "calibrate the run again, such as by python -m jaxfake.evaluate --calibrate_under=jpeg:2"


@dataclasses.dataclass(frozen=True)
class FittedOn:
    """What a calibration was fitted on.

    Attributes:
        split: 'val', or '' if nothing says it.
        sha256: of the file of scores, or of the data.
        detector: whose scores these are, see `detector_name`; '' for a file of scores.
        people_known: whether it is known who is shown; if not, each video counts as another person.
        real, fake: videos.
        people_real, people_fake: people in them.
    """

    split: str
    sha256: str
    detector: str
    people_known: bool
    real: int
    fake: int
    people_real: int
    people_fake: int


@dataclasses.dataclass(frozen=True)
class ClassScores:
    """The scores of one class of the validation videos, as evidence, rising; k of them.

    Attributes:
        evidence: `to_evidence` of the scores.
        weight: of each: 1 for a person, shared by the videos of the person.
    """

    evidence: tuple[float, ...]
    weight: tuple[float, ...]

    @property
    def people(self) -> float:
        """How many people they show."""
        return sum(self.weight)


@dataclasses.dataclass(frozen=True)
class ConditionScores:
    """The scores of the validation videos in one condition.

    Attributes:
        condition: `AS_STORED`, or the perturbation that all of them had, such as 'h264:4'.
        reals, fakes: their scores.
    """

    condition: str
    reals: ClassScores
    fakes: ClassScores


AS_STORED = "as stored"


@dataclasses.dataclass(frozen=True)
class InputRange:
    """Between which values an input fact of the validation videos lies; None for no bound on that side."""

    name: str
    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True)
class Calibration:
    """From scores to log10 likelihood ratios.

    Attributes:
        kind: of the fit.
        probability: whether scores are from 0 to 1; then their logit is the evidence, else they are it.
        slope, offset: of 'temperature' and 'platt': the natural log ratio is a line of the evidence.
        steps_at, steps_chance: of 'isotonic': P(fake) at values of the evidence, interpolated between them.
        most, least: the largest and smallest ratio that so few people can show, as log10: with n other
            people without such a score, a ratio is known no better than 1 to n + 1 (our choice).
        conditions: in which the videos were scored, as they are stored first; for thresholds and
            conformal sets, see `conformal`.
        ranges: of the input facts, see `input_range`.
        fitted_on: the validation videos.
    """

    kind: Kind
    probability: bool
    slope: float
    offset: float
    steps_at: tuple[float, ...]
    steps_chance: tuple[float, ...]
    most: float
    least: float
    conditions: tuple[ConditionScores, ...]
    ranges: tuple[InputRange, ...]
    fitted_on: FittedOn

    def to_evidence(self, scores: np.ndarray) -> np.ndarray:
        """What is calibrated: the logit of a probability, or the score itself; float64."""
        return to_evidence(scores, self.probability)

    def to_score(self, evidence: float) -> float:
        """The score that has this evidence."""
        return float(expit(evidence)) if self.probability else evidence

    def log10_lr(self, scores: np.ndarray) -> np.ndarray:
        """The log10 likelihood ratio of each score, within what so few people can show."""
        evidence = self.to_evidence(scores)
        if self.kind == "isotonic":
            chance = np.interp(evidence, self.steps_at, self.steps_chance)
            with np.errstate(divide="ignore"):
                natural = np.log(chance) - np.log1p(-chance)
        else:
            natural = self.slope * evidence + self.offset
        return np.clip(natural / _LN10, self.least, self.most)

    def chance(self, scores: np.ndarray) -> np.ndarray:
        """P(fake) if a fake is as probable as a real beforehand, 0..1."""
        return expit(self.log10_lr(scores) * _LN10)

    @property
    def perturbations(self) -> tuple[str, ...]:
        """Those under which it was fitted too; none if only to videos as they are stored."""
        return tuple(one.condition for one in self.conditions if one.condition != AS_STORED)

    @property
    def sha256(self) -> str:
        """Digest of all that it holds."""
        return fitted_json.digest(self)


def detector_name(config_sha256: str, step: int, aggregation: str) -> str:
    """By what a calibration knows its detector: another state or aggregation has other scores."""
    return f"config {config_sha256} step {step} {aggregation}"


def to_evidence(scores: np.ndarray, probability: bool) -> np.ndarray:
    """See `Calibration.to_evidence`."""
    scores = np.asarray(scores, np.float64)
    return logit(np.clip(scores, CLIP, 1 - CLIP)) if probability else scores


def write(path: Path, calibration: Calibration | Undefined) -> None:
    """Writes the calibration and its digest, or why there is none."""
    write_json(path, fitted_json.to_json(calibration, _REASON))


def read(path: Path) -> Calibration | Undefined:
    """The calibration in a file, or why there is none.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is damaged.
    """
    content = read_json(path, _MOST_BYTES)
    found: Calibration | Undefined = fitted_json.from_json(
        Calibration, content, "calibration", _REASON, path, _REMEDY
    )
    return found
