"""The model card at the end of a detector's report: what it is for, and what it must not be used for."""

from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting.html import Section, Table
from jaxfake.reporting.wording import auc_sentence

NOT_FOR = (
    "As the only ground of a decision about a person. A score is evidence with a stated strength, to be "
    "weighed with everything else that is known, by a person who may overrule it. It says nothing about "
    "who is shown, about sound, about text, about manipulations outside of the face, or about whole "
    "pictures that were generated. It was not tested against somebody who wants to deceive it."
)
NOT_MEASURED = (
    "Differences between groups of people, such as by age, sex or colour of skin, unless a table above "
    "shows them. Other datasets than the one that is named, other compressions and other manipulations."
)


def model_card(
    name: str, trained_on: str, result: DetectionResult, calibration: Calibration | Undefined
) -> Section:
    """The card of the detector `name`, which was trained on `trained_on`."""
    made = sorted(result.per_manipulation)
    rows = (
        (
            "what it is",
            f"{name}, a detector of manipulated faces in photographs and single frames.",
        ),
        ("intended use", "Research, and hints to experts who look at the evidence themselves."),
        ("must not be used", NOT_FOR),
        ("trained on", trained_on),
        ("measured here", auc_sentence("detector", result.overall.video.auc)),
        ("manipulations here", ", ".join(made) or "none"),
        ("strength of evidence", calibrated_sentence(calibration)),
        ("not measured", NOT_MEASURED),
    )
    caption = "These statements hold for this state of the detector and the data that are named."
    return Section("Model card", (), (Table("", caption, ("", ""), rows, wraps=True),))


def calibrated_sentence(calibration: Calibration | Undefined) -> str:
    """What its likelihood ratios rest on."""
    if isinstance(calibration, Undefined):
        return f"Not calibrated: {calibration.reason}. Its scores are not probabilities."
    fitted = calibration.fitted_on
    return (
        f"Calibrated on {fitted.people_real} people with real and {fitted.people_fake} with fake videos "
        f"(sha256 {calibration.sha256[:12]}){perturbations_words(calibration)}. On videos unlike those, "
        "thresholds and ratios may be wrong."
    )


def perturbations_words(calibration: Calibration) -> str:
    """Under which perturbations it was fitted too; nothing if only to videos as they are stored."""
    names = calibration.perturbations
    if not names:
        return ""
    return f", as they are stored and after {', '.join(names)}; thresholds hold in each of these conditions"
