"""The section of the report about baselines: what is reached without training a network on fakes."""

from collections.abc import Mapping

from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence.baselines.measured import (
    PROBE_IMPORTED,
    PROBE_STAGE_1,
    RECOVERY_RAW,
    RECOVERY_RELATIVE,
    Baseline,
    Baselines,
)
from jaxfake.evaluation.evidence.baselines.probe_splits import MOST_FRAMES
from jaxfake.evaluation.evidence.confounds import TOGETHER, Confound
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import confounds_text
from jaxfake.reporting.html import Highlight, Section, Table
from jaxfake.reporting.wording import interval_text, number_text

_IN_WORDS = {
    RECOVERY_RELATIVE: "recovery error alone, relative",
    RECOVERY_RAW: "recovery error alone, raw",
    PROBE_STAGE_1: "linear probe on stage 1",
    PROBE_IMPORTED: "linear probe on the imported network",
}

_NO_DIFFERENCE = ("–", "–")


def baselines_sentences(baselines: Baselines, name: str) -> list[str]:
    """The baselines, and whether the score `name` is above the best of them; nothing without any."""
    known = _known(baselines)
    if not known:
        return []
    each = ", ".join(
        f"{_IN_WORDS[name]} {number_text(one.auc.value)}" for name, one in known.items()
    )
    return [f"Baselines on the same videos, video AUC: {each}. {_verdict(known, name)}"]


def baselines_highlight(baselines: Baselines) -> tuple[Highlight, ...]:
    """The best of them, beside the AUC of the detector; none without any."""
    best = _best(_known(baselines))
    if best is None:
        return ()
    name, one = best
    note = f"{_IN_WORDS[name]}, {interval_text(one.auc.ci95)}"
    return (Highlight(number_text(one.auc.value), "video AUC, best baseline", note),)


def baselines_section(
    baselines: Baselines, found: DetectionResult, name: str
) -> tuple[Section, ...]:
    """All baselines beside the score `name` that was evaluated; no section if there are none."""
    if not baselines:
        return ()
    rows = [_row(name, found.overall.video.auc, _NO_DIFFERENCE)]
    rows += [
        _row(_IN_WORDS[title], one.auc, _difference(one))
        for title, one in _known(baselines).items()
    ]
    rows += [_row(title, auc, _NO_DIFFERENCE) for title, auc in _of_files(found.confounds)]
    caption = (
        "Difference: the AUC of the first row minus that of the baseline, on the videos that both have "
        "scored. An interval that contains 0, or lies below it, says that nothing was gained over the "
        "baseline."
    )
    header = ("score", "AUC", "95 % interval", "difference", "95 % interval", "real", "fake")
    table = Table("Video AUC of baselines", caption, header, tuple(rows), first_row_leads=True)
    said = (
        *baselines_sentences(baselines, name),
        *_explained(baselines),
        *_not_measured(baselines),
    )
    return (Section("Baselines", said, (table,)),)


def _explained(baselines: Baselines) -> list[str]:
    """What the baselines are."""
    said = []
    if RECOVERY_RAW in baselines:
        said.append(
            "Recovery error alone: stage 1, which has seen no fake, scores a face by how badly its masked "
            "parts are recovered, as it is (raw) or divided by the variance of the part (relative)."
        )
    probed = {name: one.probe for name, one in _known(baselines).items() if one.probe is not None}
    for name, probe in probed.items():
        fitted = probe.fitted_on
        said.append(
            f"{_IN_WORDS[name].capitalize()}: a logistic regression on the class token and the mean patch "
            f"token of whole faces, fitted on {fitted.real} real and {fitted.fake} fake training faces. "
            f"Its regularisation (C {probe.strength:g}) was chosen on validation, where it has a face AUC "
            f"of {probe.validation_auc:.3f}. It scores at most {MOST_FRAMES} frames of a video."
        )
    return said


def _not_measured(baselines: Baselines) -> list[str]:
    return [
        f"Not measured: {_IN_WORDS[name]}: {one.reason}."
        for name, one in baselines.items()
        if isinstance(one, Undefined)
    ]


def _known(baselines: Baselines) -> dict[str, Baseline]:
    return {name: one for name, one in baselines.items() if isinstance(one, Baseline)}


def _best(known: Mapping[str, Baseline]) -> tuple[str, Baseline] | None:
    values = {
        name: one.auc.value
        for name, one in known.items()
        if not isinstance(one.auc.value, Undefined)
    }
    if not values:
        return None
    name = max(values, key=lambda name: values[name])
    return name, known[name]


def _verdict(known: Mapping[str, Baseline], score: str) -> str:
    best = _best(known)
    if best is None:
        return "None has an AUC here."
    name, one = best
    if isinstance(one.above, Undefined):
        return f"The best of them, {_IN_WORDS[name]}, cannot be compared: {one.above.reason}."
    by = f"{one.above.value:+.3f} (95 % interval {interval_text(one.above.ci95)})"
    if one.above.ci95.low > 0:
        return f"{score} is above the best of them by {by}."
    return f"{score} is not clearly above the best of them: {by}."


def _difference(one: Baseline) -> tuple[str, str]:
    if isinstance(one.above, Undefined):
        return "none", one.above.reason
    return f"{one.above.value:+.3f}", interval_text(one.above.ci95)


def _of_files(confounds: tuple[Confound, ...] | Undefined) -> list[tuple[str, Auc]]:
    """The attribute of the files that tells most, and all together; the section on files has the rest."""
    if isinstance(confounds, Undefined):
        return []
    known = [one for one in confounds if not isinstance(one.auc.value, Undefined)]
    single = [one for one in known if one.name != TOGETHER][:1]
    together = [one for one in known if one.name == TOGETHER]
    return [
        (f"files: {confounds_text.IN_WORDS[one.name]}", one.auc) for one in (*single, *together)
    ]


def _row(name: str, auc: Auc, difference: tuple[str, str]) -> tuple[str, ...]:
    counts = (str(auc.n_real), str(auc.n_fake))
    return (name, number_text(auc.value), interval_text(auc.ci95), *difference, *counts)
