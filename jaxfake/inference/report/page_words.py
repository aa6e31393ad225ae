"""Values of results as short texts of a page."""

from typing import Any

from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.inference.results import (
    Answer,
    Evidence,
    FileFacts,
    FileResult,
    FrameResult,
    TrackResult,
)

ANSWERS: dict[Answer, str] = {
    "fake": "Evidence of manipulation",
    "real": "No evidence of manipulation",
    "cannot_tell": "Cannot tell",
}

SCORE_WORDS = (
    "A score is what the detector computes for one face, from 0 to 1; it is no probability."
)

_UNKNOWN = "–"
_PARTS = {"cheek_nose": "cheeks and nose"}


def ratio_text(evidence: Evidence) -> str:
    """log10 of the likelihood ratio with its interval."""
    return _with_interval(evidence.log10_lr, evidence.log10_lr_ci95, "+.1f")


def probability_text(evidence: Evidence) -> str:
    """P(fake) at even odds with its interval."""
    return _with_interval(evidence.probability, evidence.probability_ci95, ".2f")


def _with_interval(value: float | None, interval: Interval | None, digits: str) -> str:
    if value is None:
        return _UNKNOWN
    ends = "" if interval is None else f" ({interval.low:{digits}} to {interval.high:{digits}})"
    return f"{value:{digits}}{ends}"


def evidence_text(one: FileResult) -> str:
    """The same of the face that the verdict on a file rests on."""
    return ratio_text(one.verdict.evidence)


def parts_text(track: TrackResult) -> str:
    """The part that recovers worst, or that is most suspicious."""
    if track.parts is None:
        return _UNKNOWN
    return _PARTS.get(track.parts.worst, track.parts.worst)


def moment(frame: FrameResult) -> str:
    """When a frame is shown, such as 1:02.50; its number where the rate is not known."""
    if frame.time is None:
        return f"frame {frame.frame}"
    minutes, seconds = divmod(frame.time, 60)
    return f"{int(minutes)}:{seconds:05.2f}"


def credentials_text(found: dict[str, Any]) -> str:
    """What the content credentials in a file say."""
    if found.get("state") == "Unreadable":
        return f"Content credentials: they cannot be read ({found.get('reason', '')})."
    made = ", ".join(found.get("made_with", [])) or "not stated"
    actions = ", ".join(found.get("actions", [])) or "not stated"
    return (
        f"Content credentials: {found.get('state')}, signed by {found.get('signed_by') or 'nobody named'}; "
        f"made with: {made}; actions: {actions}. They say what the signer states, and nothing about faces."
    )


def facts_of_file(file: FileFacts) -> list[tuple[str, str]]:
    """Rows (name, value) of what is known of a file."""
    rows = [("file", file.path), ("file sha256", file.sha256 or "not known")]
    if file.format:
        rows.append(("format", file.format))
    if file.frames and file.kind != "photograph":
        rate = f", {file.frames_per_second:.3g} a second" if file.frames_per_second else ""
        rows.append(("frames", f"{file.frames}{rate}"))
    return rows
