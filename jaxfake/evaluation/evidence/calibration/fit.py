"""Fits a calibration on validation videos.

Both classes weigh the same, so that the fitted log odds are the log likelihood ratio, whatever the share of
fakes. Targets are those of Platt (1999), a little within 0 and 1, so that perfectly separated classes do
not give infinite slopes.
"""

import dataclasses
import math

import numpy as np

from jaxfake import schema
from jaxfake.evaluation.evidence.calibration.calibration import (
    AS_STORED,
    Calibration,
    ClassScores,
    ConditionScores,
    FittedOn,
    Kind,
    to_evidence,
)
from jaxfake.evaluation.metrics.calibration_error import equal_class_weights
from jaxfake.runtime.errors import InputError

FEWEST_PEOPLE = 10
"""Of each class, below which no calibration is fitted; our choice."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where validation scores are from, see `FittedOn`."""

    split: str
    sha256: str
    detector: str = ""
    people_known: bool = True


def fit(
    kind: Kind,
    labels: np.ndarray,
    scores: np.ndarray,
    people: np.ndarray,
    source: Source,
    conditions: np.ndarray | None = None,
) -> Calibration:
    """The calibration of these validation videos.

    Args:
        kind: 'temperature' scales the logit, 'platt' scales and shifts it, 'isotonic' takes any rising
            function.
        labels: int [n], 0 real, 1 fake.
        scores: float [n], finite, larger for fakes.
        people: int or str [n], who is shown.
        source: where these scores are from.
        conditions: str [n], in which a video was scored, see `ConditionScores`; the ratios are of all
            of them, each as probable. None if all are as stored.

    Raises:
        InputError: it is the test split, there are too few people, or fakes do not have the higher scores.
    """
    _refuse_test(source)
    fake = labels == schema.FAKE
    persons = _people_of_classes(fake, people)
    probability = _are_probabilities(kind, scores)
    evidence = to_evidence(scores, probability)
    slope, offset, at, chance = _fitted(kind, fake, evidence)
    condition = np.full(len(fake), AS_STORED) if conditions is None else conditions
    stored = condition == AS_STORED
    return Calibration(
        kind=kind,
        probability=probability,
        slope=slope,
        offset=offset,
        steps_at=at,
        steps_chance=chance,
        most=math.log10(persons[0] + 1),
        least=-math.log10(persons[1] + 1),
        conditions=tuple(
            _of_condition(name, fake, evidence, people, condition == name)
            for name in dict.fromkeys(condition.tolist())
        ),
        ranges=(),
        fitted_on=FittedOn(
            **dataclasses.asdict(source),
            real=int((~fake & stored).sum()),
            fake=int((fake & stored).sum()),
            people_real=persons[0],
            people_fake=persons[1],
        ),
    )


def _refuse_test(source: Source) -> None:
    if source.split == "test":
        raise InputError(
            "a calibration must not be fitted on a test split: name scores of a validation split"
        )


def _people_of_classes(fake: np.ndarray, people: np.ndarray) -> tuple[int, int]:
    """How many people have reals, and how many fakes; too few are refused."""
    real, forged = (len(np.unique(people[some])) for some in (~fake, fake))
    if min(real, forged) < FEWEST_PEOPLE:
        raise InputError(
            f"a calibration needs {FEWEST_PEOPLE} people of each class, and there are {real} with "
            f"reals and {forged} with fakes"
        )
    return real, forged


def _are_probabilities(kind: Kind, scores: np.ndarray) -> bool:
    probability = bool(((scores >= 0) & (scores <= 1)).all())
    if kind == "temperature" and not probability:
        raise InputError(
            "a temperature is for probabilities: fit platt or isotonic to these scores"
        )
    return probability


def _fitted(
    kind: Kind, fake: np.ndarray, evidence: np.ndarray
) -> tuple[float, float, tuple[float, ...], tuple[float, ...]]:
    """Slope and offset of a line, or the corners of steps."""
    if kind == "isotonic":
        at, chance = _isotonic(fake, evidence)
        if chance[0] >= chance[-1]:
            raise _not_higher()
        return 0.0, 0.0, at, chance
    slope, offset = _line(fake, evidence, intercept=kind == "platt")
    if slope <= 0:
        raise _not_higher()
    return slope, offset, (), ()


def _line(fake: np.ndarray, evidence: np.ndarray, intercept: bool) -> tuple[float, float]:
    """The natural log odds as a line of the evidence; a video counts for both labels, by its target."""
    from sklearn.linear_model import LogisticRegression

    target = np.where(fake, (fake.sum() + 1) / (fake.sum() + 2), 1 / ((~fake).sum() + 2))
    weight = equal_class_weights(fake.astype(np.int64)) * len(fake)
    spread = float(evidence.std()) or 1.0
    fitted = LogisticRegression(C=np.inf, fit_intercept=intercept, tol=1e-8, max_iter=1000).fit(
        np.tile(evidence[:, None] / spread, (2, 1)),
        np.repeat([1, 0], len(fake)),
        np.concatenate([weight * target, weight * (1 - target)]),
    )
    return float(fitted.coef_[0, 0]) / spread, float(fitted.intercept_[0]) if intercept else 0.0


def _isotonic(
    fake: np.ndarray, evidence: np.ndarray
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    labels = fake.astype(np.int64)
    fitted = IsotonicRegression().fit(evidence, labels, equal_class_weights(labels))
    corners = fitted.X_thresholds_, np.clip(fitted.y_thresholds_, 0.0, 1.0)
    return tuple(corners[0].tolist()), tuple(corners[1].tolist())


def _of_condition(
    name: str, fake: np.ndarray, evidence: np.ndarray, people: np.ndarray, chosen: np.ndarray
) -> ConditionScores:
    reals, fakes = (
        _class_scores(evidence[some], people[some]) for some in (chosen & ~fake, chosen & fake)
    )
    return ConditionScores(name, reals, fakes)


def _class_scores(evidence: np.ndarray, people: np.ndarray) -> ClassScores:
    _, person, videos = np.unique(people, return_inverse=True, return_counts=True)
    order = np.argsort(evidence, kind="stable")
    weight = (1 / videos)[person]
    return ClassScores(tuple(evidence[order].tolist()), tuple(weight[order].tolist()))


def _not_higher() -> InputError:
    return InputError(
        "the fakes do not have the higher scores on validation: nothing can be calibrated"
    )
