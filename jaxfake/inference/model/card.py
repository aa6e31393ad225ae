"""The model card: what a detector is, on what it was trained, and what it must not be used for."""

from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.inference.results import CardEntry
from jaxfake.reporting.scores.model_card import NOT_FOR, NOT_MEASURED, calibrated_sentence

LIMITS = (
    "A verdict is evidence, to be weighed by a person with everything else that is known. 'Real' means "
    "that nothing was found, not that nothing is there. It looks at faces alone: not at sound, text, "
    "background, or pictures that were generated as a whole.",
    "The stated rates hold for people and files like those of validation. New manipulations, platforms "
    "that compress anew, and people unlike those of validation may give wrong answers more often.",
)
"""What every page and every result has to say."""


def card(
    run: LoadedRun, calibration: Calibration | Undefined, trained_on: str
) -> tuple[CardEntry, ...]:
    """The card of the detector of a run; what its training data are, '' for the name of their folder."""
    identity = run.metadata.identity
    rows = (
        ("what it is", f"{run.title}, a detector of manipulated faces, at step {run.step}"),
        ("intended use", "Research, and hints to experts who look at the evidence themselves."),
        ("must not be used", NOT_FOR),
        ("trained on", trained_on or _folder_name(run)),
        ("training data sha256", identity.data or "not known"),
        ("training data manifest", identity.manifest or "none: the data were drawn"),
        ("validation score", _validation(run)),
        ("strength of evidence", calibrated_sentence(calibration)),
        ("validated ranges", validated_ranges(calibration)),
        ("not measured", NOT_MEASURED),
    )
    return tuple(CardEntry(name, text) for name, text in rows)


def validated_ranges(calibration: Calibration | Undefined) -> str:
    """For which inputs the calibration holds, in words."""
    if isinstance(calibration, Undefined) or not calibration.ranges:
        return "not known"
    bounds = []
    for one in calibration.ranges:
        if one.low is None and one.high is None:
            continue
        name = one.name.replace("_", " ")
        low = "" if one.low is None else f"{one.low:.3g} or more"
        high = "" if one.high is None else f"{one.high:.3g} or less"
        bounds.append(f"{name} {' and '.join(filter(None, (low, high)))}")
    return "; ".join(bounds)


def _folder_name(run: LoadedRun) -> str:
    """The name of the data alone: where they were is nobody's business."""
    return run.config.data.source.rstrip("/").rpartition("/")[2]


def _validation(run: LoadedRun) -> str:
    score = run.validation_score
    return (
        "none"
        if score is None
        else f"{score:.4f} on the validation split, by which it was selected"
    )
