"""The sections of the report about what tells fakes without comparing the parts of a face.

The files alone, and single cues in the pictures; each beside the AUC of what was evaluated.
"""

from jaxfake.evaluation.evidence.confounds import Confound
from jaxfake.evaluation.evidence.probes import Probe
from jaxfake.evaluation.metrics.auc_interval import Auc
from jaxfake.evaluation.metrics.intervals import Interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.reporting import confounds_text
from jaxfake.reporting.html import Section, Table
from jaxfake.reporting.wording import interval_text, number_text


def confounds_section(
    confounds: tuple[Confound, ...] | Undefined, name: str, measured: Auc
) -> Section:
    """How well attributes of the files tell real from fake.

    Args:
        confounds: of the files of the scored videos.
        name: of the score that was evaluated on them.
        measured: its AUC.
    """
    title = "What the files alone tell"
    if isinstance(confounds, Undefined):
        return Section(title, (f"Not measured: {confounds.reason}.",), ())
    rows = [_row(name, measured, "")]
    rows += [
        _row(confounds_text.IN_WORDS[one.name], one.auc, _direction(one))
        for one in confounds
        if not isinstance(one.auc.value, Undefined)
    ]
    caption = (
        "Each attribute of the source files as a score of its own, without a look at any face. Formats, "
        "JPEG tables, and all together: a logistic regression, cross-validated by identity. An AUC that is "
        "not clearly above these is no evidence that forgeries are detected."
    )
    header = ("score", "AUC", "95 % interval", "real", "fake", "larger in")
    table = Table("AUC of the files", caption, header, tuple(rows), first_row_leads=True)
    return Section(title, tuple(confounds_text.warning(confounds)), (table,))


def confounds_warning(confounds: tuple[Confound, ...] | Undefined) -> list[str]:
    """A sentence for the top of the page, if the files alone tell real from fake."""
    return [] if isinstance(confounds, Undefined) else confounds_text.warning(confounds)


def probes_section(probes: tuple[Probe, ...] | Undefined, name: str, measured: Auc) -> Section:
    """How well boosted trees tell real from fake by one cue each.

    Args:
        probes: as measured on the same videos.
        name: of the detector.
        measured: its AUC.
    """
    title = "What single cues tell"
    if isinstance(probes, Undefined):
        return Section(title, (f"Not measured: {probes.reason}.",), ())
    rows = (_cue(name, measured), *(_cue(one.name, one.auc) for one in probes))
    caption = (
        "Video AUC of boosted trees that learn from one description of each training face, measured on the "
        "same test videos. None of them can relate the parts of a face, or hardly."
    )
    header = ("score", "video AUC", "95 % interval", "real", "fake")
    table = Table("AUC of single cues", caption, header, rows, first_row_leads=True)
    return Section(title, (probes_sentence(probes, name, measured),), (table,))


def probes_sentence(probes: tuple[Probe, ...], name: str, measured: Auc) -> str:
    """Whether the detector is better than every single cue."""
    known = [(one.auc.value, one) for one in probes if not isinstance(one.auc.value, Undefined)]
    if not known:
        return "No single cue could be measured: the videos are all of one class."
    value, best = max(known, key=lambda pair: pair[0])
    against = f"the best single cue ({best.name}: {number_text(value)})"
    ours, theirs = measured.ci95, best.auc.ci95
    if not isinstance(ours, Interval) or not isinstance(theirs, Interval):
        return f"There are too few videos to compare {name} with {against}."
    if ours.low > theirs.high:
        return f"{name} is better than {against}: their intervals do not touch."
    return (
        f"{name} is not clearly better than {against}: their intervals touch. The result may come "
        "from that cue, and is no evidence that the parts of a face are compared."
    )


def _cue(name: str, auc: Auc) -> tuple[str, ...]:
    counts = (str(auc.n_real), str(auc.n_fake))
    return (name, number_text(auc.value), interval_text(auc.ci95), *counts)


def _row(name: str, auc: Auc, direction: str) -> tuple[str, ...]:
    counts = (str(auc.n_real), str(auc.n_fake))
    return (name, number_text(auc.value), interval_text(auc.ci95), *counts, direction)


def _direction(one: Confound) -> str:
    return {"fake": "fakes", "real": "reals"}.get(one.larger_in, "")
