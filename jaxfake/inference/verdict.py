"""From the evidence of single faces to what is said of a face and of a file, in words of evidence.

A score is evidence, and the verdict says how strong it is by the scale of ENFSI's guideline for evaluative
reporting (2015). It never says how much of a file is fake. Where the evidence does not suffice it says that
it cannot tell, and why.

Only faces of some size decide about a file. A real file with several such faces has as many chances of a
false alarm, so each gets its share of the stated rate (Bonferroni). All that is our choice.
"""

import dataclasses
import math
from collections.abc import Sequence

from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.calibration.input_range import InputFacts
from jaxfake.evaluation.evidence.calibration.ratio_interval import ratio_interval
from jaxfake.evaluation.evidence.calibration.strength import ERROR, Strength, strength_of
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.inference.results import NO_EVIDENCE, Answer, Evidence, Reason, Verdict

MOST_JUDGED = 6
"""Faces of a file that its verdict depends on, at most; the largest."""

LEAST_EXTENT = 0.25
"""Of the largest face's extent, below which a face is scored and does not decide about the file."""

_SCALE = ((4.0, "very strong"), (3.0, "strong"), (2.0, "moderately strong"), (1.0, "moderate"))
_WEAK, _LEAST = 0.3, "weak"
"""log10 likelihood ratios of the scale, the strongest first; below 2 to 1 the evidence says nothing."""

_LIKENESS = {
    "like_both": "such a score is not rare among real faces, nor among fakes",
    "like_neither": "such a score is rare among real faces and among fakes alike",
}

NOT_CALIBRATED = "not_calibrated"

_FOR_A_FAKE, _FOR_A_REAL = "for a fake as for a real face", "for a real face as for a fake"


@dataclasses.dataclass(frozen=True)
class FaceEvidence:
    """What is known of one face of a file.

    Attributes:
        judged: whether the verdict on the file depends on it.
        strength: None without a calibration.
    """

    judged: bool
    evidence: Evidence
    answer: Answer
    reasons: tuple[Reason, ...]
    strength: Strength | None


def judged(extents: Sequence[float]) -> list[bool]:
    """Which faces decide about a file, by the area that each covers over all frames, the largest first."""
    least = LEAST_EXTENT * max(extents, default=0.0)
    return [place < MOST_JUDGED and one >= least for place, one in enumerate(extents)]


def face_evidence(
    calibration: Calibration | Undefined, score: float, facts: InputFacts, is_judged: bool
) -> FaceEvidence:
    """The evidence of one face, followed through a file, as if it were alone in it."""
    if isinstance(calibration, Undefined):
        reason = Reason(NOT_CALIBRATED, f"the score is no probability: {calibration.reason}")
        return FaceEvidence(is_judged, NO_EVIDENCE, "cannot_tell", (reason,), None)
    strength = strength_of(calibration, score, facts)
    why = [Reason(one.code, one.sentence) for one in strength.reasons]
    if strength.likeness in _LIKENESS:
        why.append(Reason(strength.likeness, _LIKENESS[strength.likeness]))
    answer: Answer = "cannot_tell" if strength.verdict == "undecided" else strength.verdict
    # A ratio holds for inputs like those of validation alone.
    evidence = NO_EVIDENCE if strength.reasons else _evidence(calibration, strength)
    return FaceEvidence(is_judged, evidence, answer, tuple(why), strength)


def file_verdict(faces: Sequence[FaceEvidence]) -> Verdict:
    """What is said of a file with these faces, at least one; the largest first."""
    deciding = [place for place, face in enumerate(faces) if face.judged]
    alarms = [at for at in deciding if _is_alarm(faces[at], len(deciding))]
    if alarms:
        at = max(alarms, key=lambda place: faces[place].evidence.log10_lr or 0.0)
        return Verdict("fake", _fake_words(faces, at), at, faces[at].evidence)
    undecided = [at for at in deciding if faces[at].answer == "cannot_tell"]
    suspicious = [at for at, face in enumerate(faces) if face.answer == "fake"]
    if not undecided and not suspicious:
        at = max(deciding, key=lambda place: faces[place].evidence.log10_lr or 0.0)
        return Verdict("real", _real_words(faces, at, len(deciding)), at, faces[at].evidence)
    at = (suspicious or undecided)[0]
    reasons = _reasons(faces, undecided, suspicious)
    words = f"Cannot tell: {reasons[0].sentence}.{_leaning(faces[at].evidence)}"
    return Verdict("cannot_tell", words, at, faces[at].evidence, reasons)


def no_face_verdict() -> Verdict:
    """What is said of a file that was read and shows no face."""
    reason = Reason("no_face", "no face was found in it")
    return Verdict("cannot_tell", f"Cannot tell: {reason.sentence}.", reasons=(reason,))


def refused_verdict(refusal: str) -> Verdict:
    """What is said of a file that could not be read."""
    reason = Reason("unreadable", f"it could not be read ({refusal})")
    return Verdict("cannot_tell", f"Cannot tell: {reason.sentence}.", reasons=(reason,))


def strength_words(log10_lr: float) -> str:
    """How strong a ratio is as evidence, whichever way it points; '' below 2 to 1."""
    size = abs(log10_lr)
    found = next((word for least, word in _SCALE if size >= least), "")
    return found or (_LEAST if size >= _WEAK else "")


def _evidence(calibration: Calibration, strength: Strength) -> Evidence:
    found = ratio_interval(calibration, strength.score)
    interval = None if isinstance(found, Undefined) else found
    return Evidence(
        log10_lr=strength.log10_lr,
        log10_lr_ci95=interval,
        at_limit=strength.at_limit,
        probability=strength.chance,
        probability_ci95=None if interval is None else Interval(*map(_even_odds, interval)),
    )


def _even_odds(log10_lr: float) -> float:
    """The probability of a ratio where both were as probable beforehand."""
    return 1 / (1 + 10**-log10_lr)


def _is_alarm(face: FaceEvidence, faces: int) -> bool:
    """Whether a face is called fake at its share of the stated rate of false alarms."""
    strength = face.strength
    return face.answer == "fake" and strength is not None and strength.p_real <= ERROR / faces


def _fake_words(faces: Sequence[FaceEvidence], at: int) -> str:
    whose = "the face" if len(faces) == 1 else f"face {at + 1} of {len(faces)}"
    claim = f"{whose} was manipulated rather than real"
    return _support(faces[at], claim, _FOR_A_FAKE)


def _real_words(faces: Sequence[FaceEvidence], at: int, deciding: int) -> str:
    whose = "the face is" if len(faces) == 1 else "all faces are"
    if deciding < len(faces):
        whose = "the largest face is" if deciding == 1 else f"the {deciding} largest faces are"
    claim = f"{whose} real rather than manipulated"
    words = _support(faces[at], claim, _FOR_A_REAL)
    return words if deciding == 1 else f"{words} That is of the least certain one, face {at + 1}."


def _support(face: FaceEvidence, claim: str, rather: str) -> str:
    strength = strength_words(face.evidence.log10_lr or 0.0).capitalize() or "Hardly any"
    return f"{strength} evidence that {claim}: such a score is {_times(face.evidence)} {rather}."


def _leaning(evidence: Evidence) -> str:
    """Which way evidence points that is too weak to answer; nothing below 2 to 1, or without a ratio."""
    ratio = evidence.log10_lr or 0.0
    if not strength_words(ratio):
        return ""
    rather = _FOR_A_FAKE if ratio > 0 else _FOR_A_REAL
    return f" It is {_times(evidence)} {rather}, which is too little to answer by."


def _times(evidence: Evidence) -> str:
    least = "at least " if evidence.at_limit else ""
    return f"{least}{_two_digits(10 ** abs(evidence.log10_lr or 0.0)):g} times as probable"


def _two_digits(ratio: float) -> float:
    """A ratio of at least 1, rounded down: a number that is shown never deserves a stronger word."""
    unit = 10.0 ** (math.floor(math.log10(ratio)) - 1)
    return math.floor(ratio / unit + 1e-6) * unit


def _reasons(
    faces: Sequence[FaceEvidence], undecided: Sequence[int], suspicious: Sequence[int]
) -> tuple[Reason, ...]:
    """Why the file has no answer, each code once."""
    found: dict[str, Reason] = {}
    if suspicious and len(faces) > 1:
        numbers = ", ".join(str(at + 1) for at in suspicious)
        found["faces_disagree"] = Reason(
            "faces_disagree",
            f"face {numbers} of {len(faces)} looks manipulated, but not clearly enough for one of so many",
        )
    for at in undecided:
        for one in faces[at].reasons:
            found.setdefault(one.code, one)
    return tuple(found.values())
